//! The way to AWS, with a look at what goes to SES and, on demand, a fault there. The SDK's own
//! connector is the seam; whatever isn't disturbed reaches the emulator.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use base64::Engine as _;
use url::form_urlencoded;

/// What SES does to a mail instead of taking it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Too many mails.
    Throttled,
    /// Refused for good.
    Rejected,
    /// Taken, but the answer is a failure.
    AnswerLost,
}

/// A mail as SES took it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// To whom, by the envelope.
    pub(crate) to: String,
    /// The raw mail.
    pub(crate) raw: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Mailroom(Arc<Mutex<(VecDeque<Fault>, Vec<Sent>)>>);

impl Mailroom {
    /// The next mails meet these faults.
    pub(crate) fn fails_with(&self, faults: impl IntoIterator<Item = Fault>) {
        self.0.lock().unwrap().0.extend(faults);
    }

    /// What SES has taken.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.0.lock().unwrap().1.clone()
    }

    /// How many mails SES has taken.
    pub(crate) fn count(&self) -> usize {
        self.sent().len()
    }
}

/// An HTTP client of the SDK that watches the mails.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub(crate) inner: SharedHttpClient,
    pub(crate) mailroom: Mailroom,
}

impl HttpClient for Wire {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { inner, mailroom: self.mailroom.clone() })
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    mailroom: Mailroom,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Some(mail) = request.body().bytes().and_then(mail_in) else { return self.inner.call(request) };
        let mut mailroom = self.mailroom.0.lock().unwrap();
        let fault = mailroom.0.pop_front();
        if matches!(fault, None | Some(Fault::AnswerLost)) {
            mailroom.1.push(mail);
        }
        match fault {
            None => self.inner.call(request),
            Some(Fault::Throttled) => answer(400, "Throttling"),
            Some(Fault::Rejected) => answer(400, "MessageRejected"),
            Some(Fault::AnswerLost) => answer(500, "InternalFailure"),
        }
    }
}

fn mail_in(body: &[u8]) -> Option<Sent> {
    let fields: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    (field("Action")? == "SendRawEmail").then_some(())?;
    let raw = base64::engine::general_purpose::STANDARD.decode(field("RawMessage.Data")?).ok()?;
    Some(Sent { to: field("Destinations.member.1")?, raw })
}

fn answer(status: u16, code: &str) -> HttpConnectorFuture {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>m</Message></Error>\
         <RequestId>r</RequestId></ErrorResponse>"
    );
    HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))))
}
