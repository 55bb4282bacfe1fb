//! Where a feed comes from: a file, the standard input, or an address.

use std::fs::File;
use std::io::{self, Read};
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::{Buf as _, Bytes};
use reqwest::redirect::Policy;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use url::{Host, Url};

/// How long a server may take to be reached, and to go on sending.
const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(60);
/// How many redirects are followed.
const REDIRECTS: usize = 5;
/// How many pieces of a download wait to be read.
const PIECES: usize = 16;

/// A feed to read, and its length in bytes where that is known.
type Source = (Box<dyn Read + Send>, Option<u64>);

/// Opens a feed.
pub(super) async fn open(source: &str) -> anyhow::Result<Source> {
    if source == "-" {
        return Ok((Box::new(io::stdin()), None));
    }
    if source.contains("://") {
        return download(source).await;
    }
    let file = File::open(source).with_context(|| format!("{source} can't be read"))?;
    let length = file.metadata().with_context(|| format!("{source} can't be read"))?.len();
    Ok((Box::new(file), Some(length)))
}

/// A source as it may be shown: the query of a feed's address is often its password.
pub(super) fn shown(source: &str) -> String {
    match Url::parse(source) {
        Ok(url) if url.has_host() => format!("{}{}", url.host_str().unwrap_or_default(), url.path()),
        _ if source == "-" => "the standard input".to_owned(),
        _ => source.to_owned(),
    }
}

async fn download(source: &str) -> anyhow::Result<Source> {
    let url = Url::parse(source).with_context(|| format!("{source} is no address"))?;
    let secure = match url.scheme() {
        "https" => true,
        "http" if is_this_machine(&url) => false,
        _ => bail!("{} must be an https address", shown(source)),
    };
    crate::install_tls();
    let client = reqwest::Client::builder()
        .https_only(secure)
        .redirect(Policy::limited(REDIRECTS))
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .user_agent(concat!("hashcart/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("no HTTP client can be made")?;
    let response = client.get(url).send().await.and_then(reqwest::Response::error_for_status);
    let response = response
        .map_err(reqwest::Error::without_url)
        .with_context(|| format!("{} can't be fetched", shown(source)))?;
    let length = response.content_length();
    let (sender, receiver) = channel(PIECES);
    tokio::spawn(pump(response, sender));
    Ok((Box::new(Download { receiver, ready: Bytes::new() }), length))
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Hands a download over piece by piece until it ends or nobody reads it any more.
async fn pump(mut response: reqwest::Response, sender: Sender<io::Result<Bytes>>) {
    loop {
        let piece = match response.chunk().await {
            Ok(None) => return,
            Ok(Some(piece)) => Ok(piece),
            // Seen by the reader as what it is: a feed that breaks off is not a feed that ends.
            Err(error) => Err(io::Error::other(error.without_url())),
        };
        let failed = piece.is_err();
        if sender.send(piece).await.is_err() || failed {
            return;
        }
    }
}

/// A download as something that can be read, on a thread that may wait.
struct Download {
    receiver: Receiver<io::Result<Bytes>>,
    ready: Bytes,
}

impl Read for Download {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.ready.is_empty() {
            match self.receiver.blocking_recv() {
                Some(piece) => self.ready = piece?,
                None => return Ok(0),
            }
        }
        let length = self.ready.len().min(buffer.len());
        let (filled, _) = buffer.split_at_mut(length);
        self.ready.copy_to_slice(filled);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_never_shown() {
        assert_eq!(shown("https://user:pass@shop.example/feed.tsv?token=secret"), "shop.example/feed.tsv");
        assert_eq!(shown("feeds/us.tsv"), "feeds/us.tsv");
        assert_eq!(shown("-"), "the standard input");
    }
}
