//! OAuth 2.0 with PKCE at X, to learn one thing: which account the shopper holds.

use std::pin::Pin;

use oauth2::basic::BasicClient;
use oauth2::{
    AsyncHttpClient, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest,
    HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    TokenResponse as _, TokenUrl,
};
use serde::Deserialize;
use url::Url;

use super::{below, user};
use crate::error::NetworkError;
use crate::http::{Call, Http, may_pass, with_retries};
use crate::parse::{self, ParseError};
use crate::secrets::{NetworkSecrets, Secret, SecretName};
use crate::sign_in::Account;

/// What we ask the shopper for: to see who they are. X grants `users.read` together with `tweet.read`
/// only.
const SCOPES: [&str; 2] = ["tweet.read", "users.read"];

/// X's sign-in.
#[derive(Clone, Copy, Debug)]
pub struct XSignIn<'a> {
    secrets: &'a NetworkSecrets,
    http: &'a Http,
    api_url: &'a Url,
    web_url: &'a Url,
}

impl<'a> XSignIn<'a> {
    pub(super) fn new(
        secrets: &'a NetworkSecrets,
        http: &'a Http,
        api_url: &'a Url,
        web_url: &'a Url,
    ) -> Self {
        Self { secrets, http, api_url, web_url }
    }

    fn client_id(&self) -> Result<ClientId, NetworkError> {
        let id = self.secrets.newest(SecretName::ClientId);
        let id = id.ok_or(NetworkError::Unconfigured(SecretName::ClientId))?;
        Ok(ClientId::new(id.expose().to_owned()))
    }

    /// Where the shopper's browser is sent. `state` (at most 500 characters) and `verifier` (43 to 128
    /// of `A-Za-z0-9-._~`, RFC 7636 §4.1) are random and kept for that browser alone; only the
    /// verifier's SHA-256 goes along.
    ///
    /// # Errors
    /// When the client id is not set.
    pub fn authorize_url(&self, state: &str, verifier: &str, redirect: &Url) -> Result<Url, NetworkError> {
        let client = BasicClient::new(self.client_id()?)
            .set_auth_uri(AuthUrl::from_url(below(self.web_url, &["i", "oauth2", "authorize"])))
            .set_redirect_uri(RedirectUrl::from_url(redirect.clone()));
        let challenge =
            PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier.to_owned()));
        let state = CsrfToken::new(state.to_owned());
        let request = client.authorize_url(|| state).set_pkce_challenge(challenge);
        Ok(request.add_scopes(SCOPES.map(|scope| Scope::new(scope.to_owned()))).url().0)
    }

    /// Turns the code that the browser came back with into the account. The access token is used for
    /// that one question and forgotten.
    ///
    /// # Errors
    /// [`NetworkError::Refused`] when X doesn't take the code (used, expired after 30 s, made for
    /// another verifier); else see [`NetworkError`].
    pub async fn exchange(
        &self,
        code: &str,
        verifier: &str,
        redirect: &Url,
    ) -> Result<Account, NetworkError> {
        let token = self.access_token(code, verifier, redirect).await?;
        self.account(&token).await
    }

    async fn access_token(&self, code: &str, verifier: &str, redirect: &Url) -> Result<String, NetworkError> {
        let address = below(self.api_url, &["2", "oauth2", "token"]);
        let mut client = BasicClient::new(self.client_id()?)
            .set_token_uri(TokenUrl::from_url(address.clone()))
            .set_redirect_uri(RedirectUrl::from_url(redirect.clone()));
        if let Some(secret) = self.secrets.newest(SecretName::ClientSecret) {
            client = client.set_client_secret(ClientSecret::new(secret.expose().to_owned()));
        }
        let courier = Courier { sign_in: *self, address };
        let answer = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()))
            .request_async(&courier)
            .await;
        match answer {
            Ok(token) => Ok(token.access_token().secret().clone()),
            Err(RequestTokenError::Request(Sent(error))) => Err(error),
            Err(RequestTokenError::ServerResponse(_)) => Err(NetworkError::Refused { status: 400 }),
            Err(RequestTokenError::Parse(..) | RequestTokenError::Other(_)) => {
                Err(ParseError::invalid(".", "not a token answer (RFC 6749 §5.1)").into())
            }
        }
    }

    /// Sends the request that the library has made. A code works once, so it is sent once.
    async fn send(&self, address: &Url, request: HttpRequest) -> Result<HttpResponse, Sent> {
        let text = |name: &str| Some(request.headers().get(name)?.to_str().ok()?.to_owned());
        let headers = ["accept", "authorization", "content-type"];
        let headers: Vec<_> = headers.into_iter().filter_map(|name| Some((name, text(name)?))).collect();
        let call = Call {
            method: request.method().clone(),
            url: address,
            setting: "api_url",
            headers: &headers,
            body: Some(request.body()),
        };
        let answer = self.http.send(&call).await.map_err(Sent)?;
        match answer.error(self.http.now()) {
            // The library reads what is wrong with the code itself (RFC 6749 §5.2).
            None | Some(NetworkError::Refused { .. }) => {}
            Some(error) => return Err(Sent(error)),
        }
        let mut response = HttpResponse::new(answer.body);
        *response.status_mut() =
            ::http::StatusCode::from_u16(answer.status).unwrap_or(::http::StatusCode::BAD_GATEWAY);
        Ok(response)
    }

    /// `GET /2/users/me`: the account behind a token.
    async fn account(&self, token: &str) -> Result<Account, NetworkError> {
        #[derive(Deserialize)]
        struct Answer {
            data: Me,
        }
        #[derive(Deserialize)]
        struct Me {
            id: String,
            username: Option<String>,
        }
        let url = below(self.api_url, &["2", "users", "me"]);
        let authorization = Secret::new(format!("Bearer {token}"));
        let answer = with_retries(may_pass, || async {
            let call = Call {
                method: ::http::Method::GET,
                url: &url,
                setting: "api_url",
                headers: &[("authorization", authorization.expose().to_owned())],
                body: None,
            };
            let answer = self.http.send(&call).await?;
            answer.error(self.http.now()).map_or(Ok(answer), Err)
        })
        .await?;
        let me = parse::read::<Answer>(&answer.body)?.data;
        Ok(Account { user: user("data.id", me.id)?, handle: me.username })
    }
}

/// Carries the library's request over our client. A type of its own rather than a closure, so that the
/// compiler sees that the future may change threads, which servers ask of it.
struct Courier<'a> {
    sign_in: XSignIn<'a>,
    address: Url,
}

impl<'c> AsyncHttpClient<'c> for Courier<'_> {
    type Error = Sent;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Sent>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.sign_in.send(&self.address, request))
    }
}

/// An error of ours on its way through the library.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Sent(NetworkError);
