//! The two mails that pages send themselves: to confirm an address and to sign in.

use lambda::aws::Aws;
use lambda::env::{EnvError, Environment};
use messages::mailer::Mailer;
use messages::{Address, MailId, MailMessage};

use crate::failure::Failure;
use crate::site::Visit;

/// How many of these mails one address, and one account, may cause in an hour.
pub const MAILS_PER_HOUR: u32 = 5;

/// The mailer of this environment.
///
/// # Errors
/// When the sender's address is missing or can't be one.
pub fn mailer(env: &Environment, aws: &Aws) -> Result<Mailer, EnvError> {
    let name = "HASHCART_MAIL_FROM";
    let from = Address::parse(&env.required(name)?)
        .map_err(|_| EnvError::Invalid { name: name.to_owned(), what: "e-mail address" })?;
    let aws = aws.clone();
    Ok(Mailer::new(move || aws.ses(), from, env.var("HASHCART_SES_CONFIGURATION_SET")))
}

/// Sends a mail that somebody has just asked for on a page.
///
/// # Errors
/// When SES doesn't take it.
pub async fn send(visit: &Visit, mailer: &Mailer, mail: &MailMessage) -> Result<(), Failure> {
    let id = MailId::new(&lambda::envelope::new_id(visit.now));
    let ses_id = mailer.send(mail, &id, visit.now).await.map_err(Failure::unavailable)?;
    tracing::info!(mail.ses_id = ses_id, "sent a mail with a one-time link");
    Ok(())
}

/// Whether one more mail to this address may go out, and one more for each of `subjects` (keys
/// of the table `links`). Every attempt counts, so a form that is sent again and again floods nobody.
///
/// # Errors
/// When the table doesn't answer.
pub async fn admit(visit: &Visit, subjects: &[String]) -> Result<bool, Failure> {
    let attempt = lambda::token::random();
    for subject in subjects {
        let admitted = visit.site.links().admit(subject, &attempt, MAILS_PER_HOUR, visit.now);
        if !admitted.await.map_err(Failure::unavailable)? {
            return Ok(false);
        }
    }
    Ok(true)
}
