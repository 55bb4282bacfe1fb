//! The mail sink: takes by SMTP (RFC 5321) whatever the emulator relays and puts it into the inbox.
//! It delivers nothing anywhere.

use std::sync::Arc;

use smtp_proto::Error as Syntax;
use smtp_proto::Request;
use smtp_proto::request::receiver::{DataReceiver, RequestReceiver};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::inbox::Inbox;

/// The largest message that is taken, in bytes; SES's own limit is 40 MB.
const MESSAGE_LIMIT: usize = 40 * 1024 * 1024;

/// Takes mail from `listener` into `inbox` for as long as the task runs.
pub(crate) async fn serve(listener: TcpListener, inbox: Arc<Inbox>) {
    loop {
        // A failed accept (too many open files) passes; the relay does not try again, so listening goes on.
        if let Ok((stream, _)) = listener.accept().await {
            let inbox = Arc::clone(&inbox);
            // A broken connection ends its own session and nothing else.
            tokio::spawn(async move { Session::new(inbox).run(stream).await });
        }
    }
}

/// What is being read.
enum Reading {
    Commands,
    Message { receiver: DataReceiver, bytes: Vec<u8>, too_large: bool },
}

struct Session {
    inbox: Arc<Inbox>,
    commands: RequestReceiver,
    reading: Reading,
    has_sender: bool,
    recipients: usize,
}

/// What follows a line of the client.
enum Next {
    Reply(&'static str),
    Close(&'static str),
    /// The rest of the line or message is still to come.
    More,
}

impl Session {
    fn new(inbox: Arc<Inbox>) -> Self {
        Self {
            inbox,
            commands: RequestReceiver::default(),
            reading: Reading::Commands,
            has_sender: false,
            recipients: 0,
        }
    }

    async fn run(mut self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.write_all(b"220 localhost Hashcart's inbox\r\n").await?;
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let read = stream.read(&mut buffer).await?;
            let mut bytes = buffer.get(..read).unwrap_or_default().iter();
            if read == 0 {
                return Ok(());
            }
            while !bytes.as_slice().is_empty() {
                match self.advance(&mut bytes).await {
                    Next::More => {}
                    Next::Reply(reply) => stream.write_all(reply.as_bytes()).await?,
                    Next::Close(reply) => return stream.write_all(reply.as_bytes()).await,
                }
            }
        }
    }

    async fn advance(&mut self, bytes: &mut std::slice::Iter<'_, u8>) -> Next {
        let Reading::Message { receiver, bytes: message, too_large } = &mut self.reading else {
            return self.command(bytes);
        };
        let ended = receiver.ingest(bytes, message);
        if message.len() > MESSAGE_LIMIT {
            *too_large = true;
            message.clear();
        }
        if !ended {
            return Next::More;
        }
        let (message, too_large) = (std::mem::take(message), *too_large);
        self.reset();
        if too_large {
            return Next::Reply("552 5.3.4 the message is too large\r\n");
        }
        match self.inbox.store(&message).await {
            Ok(()) => Next::Reply("250 2.0.0 stored\r\n"),
            Err(_) => Next::Reply("451 4.3.0 the message can't be written to disk\r\n"),
        }
    }

    fn command(&mut self, bytes: &mut std::slice::Iter<'_, u8>) -> Next {
        let order = "503 5.5.1 bad sequence of commands\r\n";
        let request = match self.commands.ingest(bytes) {
            Ok(request) => request,
            Err(Syntax::NeedsMoreData { .. }) => return Next::More,
            Err(Syntax::UnknownCommand) => return Next::Reply("500 5.5.1 unknown command\r\n"),
            Err(Syntax::ResponseTooLong) => return Next::Close("500 5.5.2 the line is too long\r\n"),
            Err(_) => return Next::Reply("501 5.5.4 syntax error\r\n"),
        };
        match request {
            Request::Ehlo { .. } => {
                self.reset();
                Next::Reply("250-localhost\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
            }
            Request::Helo { .. } => {
                self.reset();
                Next::Reply("250 localhost\r\n")
            }
            Request::Mail { .. } if self.has_sender => Next::Reply(order),
            Request::Mail { .. } => {
                self.has_sender = true;
                Next::Reply("250 2.1.0 ok\r\n")
            }
            Request::Rcpt { .. } if !self.has_sender => Next::Reply(order),
            Request::Rcpt { .. } => {
                self.recipients += 1;
                Next::Reply("250 2.1.5 ok\r\n")
            }
            Request::Data if self.recipients == 0 => Next::Reply(order),
            Request::Data => {
                self.reading =
                    Reading::Message { receiver: at_line_start(), bytes: Vec::new(), too_large: false };
                Next::Reply("354 end with a dot alone on a line\r\n")
            }
            Request::Rset => {
                self.reset();
                Next::Reply("250 2.0.0 ok\r\n")
            }
            Request::Noop { .. } => Next::Reply("250 2.0.0 ok\r\n"),
            Request::Quit => Next::Close("221 2.0.0 bye\r\n"),
            _ => Next::Reply("502 5.5.1 not implemented\r\n"),
        }
    }

    fn reset(&mut self) {
        self.reading = Reading::Commands;
        self.has_sender = false;
        self.recipients = 0;
    }
}

/// A receiver that stands at the start of a line, as it does behind the `DATA` command: a dot there
/// is stuffed or the end already (RFC 5321, section 4.5.2).
fn at_line_start() -> DataReceiver {
    let mut receiver = DataReceiver::new();
    receiver.ingest(&mut b"\r\n".iter(), &mut Vec::new());
    receiver
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt as _, BufReader};
    use tokio::sync::broadcast;

    use super::*;

    async fn sink() -> (TcpStream, Arc<Inbox>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let inbox = Arc::new(Inbox::open(folder.path(), broadcast::channel(8).0).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        tokio::spawn(serve(listener, Arc::clone(&inbox)));
        (stream, inbox, folder)
    }

    /// Sends each line and returns the code of each answer.
    async fn talk(stream: &mut TcpStream, lines: &[&str]) -> Vec<String> {
        let mut stream = BufReader::new(stream);
        let mut codes = Vec::new();
        let mut greeting = String::new();
        stream.read_line(&mut greeting).await.unwrap();
        for line in lines {
            stream.write_all(line.as_bytes()).await.unwrap();
            loop {
                let mut answer = String::new();
                stream.read_line(&mut answer).await.unwrap();
                if answer.get(3..4).is_none_or(|c| c != "-") {
                    codes.push(answer.chars().take(3).collect());
                    break;
                }
            }
        }
        codes
    }

    #[tokio::test]
    async fn takes_a_mail_and_unstuffs_its_dots() {
        let (mut stream, inbox, _folder) = sink().await;
        let mail = "From: Acme <cart@acme.example>\r\nTo: alice@shoppers.example\r\nSubject: =?utf-8?q?Caf=C3=A9?=\r\n\r\n..dots\r\n...\r\nend\r\n.\r\n";
        let codes = talk(
            &mut stream,
            &[
                "EHLO relay\r\n",
                "mail FROM:<cart@acme.example> SIZE=100\r\n",
                "RCPT TO:<alice@shoppers.example>\r\n",
                "DATA\r\n",
                mail,
                "QUIT\r\n",
            ],
        )
        .await;
        assert_eq!(codes, ["250", "250", "250", "354", "250", "221"]);
        let mails = inbox.all();
        assert_eq!(mails.len(), 1);
        assert_eq!(mails[0].to, "alice@shoppers.example");
        assert_eq!(mails[0].subject, "Café");
        assert_eq!(mails[0].text.as_deref(), Some(".dots\r\n..\r\nend\r\n"));
        assert_eq!(mails[0].html, None);
    }

    #[tokio::test]
    async fn refuses_what_is_out_of_order_and_goes_on() {
        let (mut stream, inbox, _folder) = sink().await;
        let codes = talk(
            &mut stream,
            &[
                "DATA\r\n",
                "RCPT TO:<a@b.example>\r\n",
                "HELLO\r\n",
                "HELO x\r\n",
                "MAIL FROM:<>\r\n",
                "MAIL FROM:<>\r\n",
                "RCPT TO:nonsense\r\n",
                "RCPT TO:<a@b.example>\r\n",
                "RSET\r\n",
                "DATA\r\n",
                "MAIL FROM:<>\r\n",
                "RCPT TO:<a@b.example>\r\n",
                "DATA\r\n",
                ".\r\n",
            ],
        )
        .await;
        let expected = [
            "503", "503", "500", "250", "250", "503", "501", "250", "250", "503", "250", "250", "354", "250",
        ];
        assert_eq!(codes, expected);
        assert_eq!(inbox.all().len(), 1, "an empty message is a message");
    }
}
