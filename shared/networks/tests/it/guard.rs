//! The guarded client must never become a way into a private network.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use domain::Retryable as _;
use networks::guard::{Guard, GuardError, Hosts, MAX_REDIRECTS, Refusal};
use networks::{Http, Network as _, NetworkError, Reach};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Url;

use crate::support::{NOW, Say, Server};

/// DNS that answers every name with these addresses, and remembers the names.
#[derive(Clone)]
struct Dns {
    addresses: Vec<IpAddr>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Dns {
    fn new(addresses: &[&str]) -> Self {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        Self { addresses, asked: Arc::default() }
    }
}

impl Resolve for Dns {
    fn resolve(&self, name: Name) -> Resolving {
        self.asked.lock().unwrap().push(name.as_str().to_owned());
        let addresses: Vec<_> = self.addresses.iter().map(|ip| SocketAddr::new(*ip, 0)).collect();
        Box::pin(async move { Ok(Box::new(addresses.into_iter()) as Addrs) })
    }
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refusal(result: Result<(), GuardError>) -> Option<Refusal> {
    match result {
        Ok(()) => None,
        Err(GuardError::Refused(refusal)) => Some(refusal),
        Err(other) => panic!("{other}"),
    }
}

const ADDRESSES: [(&str, Option<Refusal>); 44] = [
    ("https://acme.example/p/1?a=b", None),
    ("https://acme.example:443/", None),
    ("https://1.1.1.1/", None),
    ("http://acme.example/", Some(Refusal::Scheme)),
    ("ftp://acme.example/", Some(Refusal::Scheme)),
    ("file:///etc/passwd", Some(Refusal::Scheme)),
    ("https://acme.example:8443/", Some(Refusal::Port)),
    ("https://user@acme.example/", Some(Refusal::UserInfo)),
    ("https://user:secret@acme.example/", Some(Refusal::UserInfo)),
    ("https://127.0.0.1/", Some(Refusal::NotPublic)),
    ("https://2130706433/", Some(Refusal::NotPublic)),
    ("https://0x7f.1/", Some(Refusal::NotPublic)),
    ("https://0177.0.0.1/", Some(Refusal::NotPublic)),
    ("https://１２７.0.0.1/", Some(Refusal::NotPublic)),
    ("https://169.254.169.254/latest/meta-data/", Some(Refusal::NotPublic)),
    ("https://[::1]/", Some(Refusal::NotPublic)),
    ("https://[::ffff:169.254.169.254]/", Some(Refusal::NotPublic)),
    ("https://[::ffff:8.8.8.8]/", Some(Refusal::NotPublic)),
    ("https://[64:ff9b::a9fe:a9fe]/", Some(Refusal::NotPublic)),
    ("https://[fd00:ec2::254]/", Some(Refusal::NotPublic)),
    ("http://127.0.0.1:8787/", Some(Refusal::Scheme)),
    ("http://localhost:8787/", Some(Refusal::Scheme)),
    // The same few addresses in every other way of writing them.
    ("https://0/", Some(Refusal::NotPublic)),
    ("https://127.1/", Some(Refusal::NotPublic)),
    ("https://127.0.0.1./", Some(Refusal::NotPublic)),
    ("https://0x7f000001/", Some(Refusal::NotPublic)),
    ("https://0xA9FEA9FE/", Some(Refusal::NotPublic)),
    ("https://2852039166/", Some(Refusal::NotPublic)),
    ("https://025177524776/", Some(Refusal::NotPublic)),
    ("https://0xa9.0376.43518/", Some(Refusal::NotPublic)),
    ("https://①②⑦.0.0.1/", Some(Refusal::NotPublic)),
    ("https://%31%32%37.0.0.1/", Some(Refusal::NotPublic)),
    ("https://127。0。0。1/", Some(Refusal::NotPublic)),
    ("https://[::]/", Some(Refusal::NotPublic)),
    ("https://[0:0:0:0:0:ffff:7f00:1]/", Some(Refusal::NotPublic)),
    ("https://[::7f00:1]/", Some(Refusal::NotPublic)),
    ("https://[2002:7f00:1::]/", Some(Refusal::NotPublic)),
    ("https://[2001:0:7f00:1::]/", Some(Refusal::NotPublic)),
    ("https://[64:ff9b:1::a00:1]/", Some(Refusal::NotPublic)),
    ("https://[fe80::1]/", Some(Refusal::NotPublic)),
    ("https://acme.example:80/", Some(Refusal::Port)),
    ("https:@169.254.169.254/", Some(Refusal::NotPublic)),
    ("https:\\\\127.0.0.1\\", Some(Refusal::NotPublic)),
    ("data:text/plain,x", Some(Refusal::Scheme)),
];

#[test]
fn addresses_are_checked_before_anything_is_sent() {
    let guard = Guard::new(Reach::Public);
    for (address, expected) in ADDRESSES {
        assert_eq!(refusal(guard.check(&url(address), Hosts::Public)), expected, "{address}");
    }
    let hosts = ["acme.example".to_owned()];
    for (address, expected) in [
        ("https://ACME.example/", None),
        ("https://acme.example.evil.example/", Some(Refusal::Host)),
        ("https://evil-acme.example/", Some(Refusal::Host)),
        ("https://acme.example@evil.example/", Some(Refusal::UserInfo)),
        ("https://evil.example\\@acme.example/", Some(Refusal::Host)),
        ("https://evil.example#@acme.example/", Some(Refusal::Host)),
        ("https://evil.example?acme.example", Some(Refusal::Host)),
        ("https://acme.example./", Some(Refusal::Host)),
    ] {
        assert_eq!(refusal(guard.check(&url(address), Hosts::Only(&hosts))), expected, "{address}");
    }
}

#[test]
fn only_the_local_stage_reaches_its_own_port() {
    let own = url("http://localhost:8787/");
    for stage in ["dev", "staging", "prod", "localhost", "LOCAL", ""] {
        let guard = Guard::new(Reach::of_stage(stage, &own));
        for (address, expected) in ADDRESSES {
            assert_eq!(refusal(guard.check(&url(address), Hosts::Public)), expected, "{stage}: {address}");
        }
    }
    let guard = Guard::new(Reach::of_stage("local", &own));
    for (address, expected) in [
        ("http://127.0.0.1:8787/", None),
        ("http://localhost:8787/", None),
        ("http://[::1]:8787/", None),
        ("http://127.0.0.1:8788/", Some(Refusal::Scheme)),
        ("http://127.0.0.1/", Some(Refusal::Scheme)),
        ("https://127.0.0.1/", Some(Refusal::NotPublic)),
        ("http://192.168.0.1:8787/", Some(Refusal::Scheme)),
        ("http://acme.example:8787/", Some(Refusal::Scheme)),
    ] {
        assert_eq!(refusal(guard.check(&url(address), Hosts::Public)), expected, "{address}");
    }
}

#[tokio::test]
async fn names_that_lead_to_private_addresses_are_refused_after_dns() {
    for addresses in [
        &["127.0.0.1"][..],
        &["10.0.0.7"],
        &["169.254.169.254"],
        &["::1"],
        &["::ffff:10.0.0.1"],
        &["1.1.1.1", "192.168.1.1"],
    ] {
        let dns = Dns::new(addresses);
        for reach in [Reach::Public, Reach::Local { own_port: 8787 }] {
            let guard = Guard::with_resolver(reach, Arc::new(dns.clone()));
            let error = guard.get(&url("https://rebound.example/"), Hosts::Public, "*/*").await.unwrap_err();
            assert!(matches!(error, GuardError::Refused(Refusal::NotPublic)), "{addresses:?}: {error:?}");
            assert!(!error.retryable());
        }
        assert_eq!(*dns.asked.lock().unwrap(), ["rebound.example", "rebound.example"]);
    }
}

fn local(server: &Server) -> Guard {
    Guard::new(Reach::of_stage("local", &server.url))
}

#[tokio::test]
async fn redirects_are_followed_and_each_is_checked() {
    let server =
        Server::start([Say::to("/b"), Say::to("c?x=1"), Say::status(200).body("done".to_owned())]).await;
    let fetched = local(&server).get(&server.url, Hosts::Public, "text/plain").await.unwrap();
    assert_eq!((fetched.status, fetched.url.path(), &fetched.body[..]), (200, "/c", &b"done"[..]));
    let asked = server.asked();
    assert_eq!(asked.iter().map(|a| a.line.as_str()).collect::<Vec<_>>(), ["GET /", "GET /b", "GET /c?x=1"]);
    assert!(
        asked.iter().all(|asked| asked.header("cookie").is_empty() && asked.header("referer").is_empty())
    );

    for (location, expected) in [
        ("http://169.254.169.254/latest/", Refusal::Scheme),
        ("https://169.254.169.254/latest/", Refusal::NotPublic),
        ("http://127.0.0.1:1/", Refusal::Scheme),
        ("https://a:b@acme.example/", Refusal::UserInfo),
        ("file:///etc/passwd", Refusal::Scheme),
    ] {
        server.then([Say::to(location)]);
        let error = local(&server).get(&server.url, Hosts::Public, "*/*").await.unwrap_err();
        assert!(matches!(error, GuardError::Refused(refusal) if refusal == expected), "{location}: {error}");
    }
    server.then([Say::status(302)]);
    let error = local(&server).get(&server.url, Hosts::Public, "*/*").await.unwrap_err();
    assert!(matches!(error, GuardError::BadRedirect), "{error}");
}

#[tokio::test]
async fn redirects_sizes_and_times_are_limited() {
    let server = Server::start([Say::to("/again")]).await;
    let error = local(&server).get(&server.url, Hosts::Public, "*/*").await.unwrap_err();
    assert!(matches!(error, GuardError::TooManyRedirects) && !error.retryable());
    assert_eq!(server.asked().len(), MAX_REDIRECTS + 1);

    server.then([Say::status(200).body("x".repeat(256 * 1024 + 1))]);
    let error = local(&server).get(&server.url, Hosts::Public, "*/*").await.unwrap_err();
    assert!(matches!(error, GuardError::TooLong) && !error.retryable());
    server.then([Say::status(200).body("x".repeat(256 * 1024))]);
    assert_eq!(local(&server).get(&server.url, Hosts::Public, "*/*").await.unwrap().body.len(), 256 * 1024);

    // A server that takes the connection and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = url(&format!("http://{}/", silent.local_addr().unwrap()));
    let guard = Guard::new(Reach::of_stage("local", &address));
    let error = guard.get(&address, Hosts::Public, "*/*").await.unwrap_err();
    assert!(matches!(error, GuardError::TimedOut) && error.retryable(), "{error}");
}

/// One that says something all the time and never all of it.
#[tokio::test]
async fn an_answer_that_drips_is_not_waited_for() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = url(&format!("http://{}/", listener.local_addr().unwrap()));
    let drip = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
        let mut open = stream.write_all(head).await.is_ok();
        while open {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            open = stream.write_all(b".").await.is_ok();
        }
    });
    let guard = Guard::new(Reach::of_stage("local", &address));
    let began = std::time::Instant::now();
    let error = guard.get(&address, Hosts::Public, "*/*").await.unwrap_err();
    assert!(matches!(error, GuardError::TimedOut) && error.retryable(), "{error}");
    assert!(began.elapsed() < networks::guard::TIME * 2);
    drip.await.unwrap();
}

/// DNS whose owner answers each question otherwise.
#[derive(Clone)]
struct Fickle(Arc<Mutex<Vec<IpAddr>>>);

impl Resolve for Fickle {
    fn resolve(&self, _: Name) -> Resolving {
        let answer = self.0.lock().unwrap().remove(0);
        Box::pin(async move { Ok(Box::new(std::iter::once(SocketAddr::new(answer, 0))) as Addrs) })
    }
}

/// DNS rebinding: a name that was public when it was looked at first, and leads inside ever after. Each connection
/// looks once, and what it looked at is what it connects to.
#[tokio::test]
async fn a_name_that_was_public_once_is_not_trusted_again() {
    // Public by its form, and nobody's: of the 6bone, handed back in 2006 (RFC 3701).
    let answers = ["3ffe::1", "10.0.0.7", "3ffe::1"].map(|address| address.parse().unwrap());
    let dns = Fickle(Arc::new(Mutex::new(answers.to_vec())));
    let guard = Guard::with_resolver(Reach::Public, Arc::new(dns.clone()));
    let address = url("https://rebound.example/");
    let first = guard.get(&address, Hosts::Public, "*/*").await.unwrap_err();
    assert!(matches!(first, GuardError::Unanswered(_) | GuardError::TimedOut), "{first:?}");
    assert_eq!(dns.0.lock().unwrap().len(), 2, "asked once for one connection");
    let second = guard.get(&address, Hosts::Public, "*/*").await.unwrap_err();
    assert!(matches!(second, GuardError::Refused(Refusal::NotPublic)), "{second:?}");
    assert_eq!(dns.0.lock().unwrap().len(), 1);
}

/// A redirect to a name that leads inside: each hop asks anew.
#[tokio::test]
async fn a_name_that_changes_its_mind_is_checked_at_each_hop() {
    let server = Server::start([Say::to("https://rebound.example/")]).await;
    let dns = Dns::new(&["10.0.0.7"]);
    let guard = Guard::with_resolver(Reach::of_stage("local", &server.url), Arc::new(dns.clone()));
    let error = guard.get(&server.url, Hosts::Public, "*/*").await.unwrap_err();
    assert!(matches!(error, GuardError::Refused(Refusal::NotPublic)), "{error}");
    assert_eq!(*dns.asked.lock().unwrap(), ["rebound.example"], "asked once for each connection");
}

#[tokio::test]
async fn short_links_are_followed_among_shorteners_only() {
    let server = Server::start([]).await;
    let guard = local(&server);
    let shorteners = ["127.0.0.1".to_owned()];
    let short = server.url.join("s/1").unwrap();

    server.then([Say::to("/s/2"), Say::to("https://shop.acme.example/p/mug?utm_source=s")]);
    let target = guard.resolve_short_link(&short, &shorteners).await.unwrap();
    assert_eq!(target.as_str(), "https://shop.acme.example/p/mug?utm_source=s");
    assert_eq!(server.asked().len(), 2, "the target itself is never asked");

    server.then([Say::to("/s/1")]);
    let error = guard.resolve_short_link(&short, &shorteners).await.unwrap_err();
    assert!(matches!(error, GuardError::TooManyRedirects), "{error}");

    for (status, retryable) in [(200, false), (404, false), (429, true), (503, true)] {
        server.then([Say::status(status)]);
        let error = guard.resolve_short_link(&short, &shorteners).await.unwrap_err();
        assert_eq!(error.retryable(), retryable, "{status}");
    }
    let before = server.asked().len();
    let error = guard.resolve_short_link(&short, &["bit.example".to_owned()]).await.unwrap_err();
    assert!(matches!(error, GuardError::Refused(Refusal::Host)), "{error}");
    assert_eq!(server.asked().len(), before);
}

#[tokio::test]
async fn plain_short_links_are_asked_for_by_https() {
    let dns = Dns::new(&["127.0.0.1"]);
    let guard = Guard::with_resolver(Reach::Public, Arc::new(dns.clone()));
    let hosts = ["bit.example".to_owned()];
    let error = guard.resolve_short_link(&url("http://bit.example/1"), &hosts).await.unwrap_err();
    // Past the check of the scheme, as far as DNS.
    assert!(matches!(error, GuardError::Refused(Refusal::NotPublic)), "{error}");
    assert_eq!(*dns.asked.lock().unwrap(), ["bit.example"]);
}

#[tokio::test]
async fn configured_addresses_are_https_outside_of_the_local_stage() {
    let server = Server::start([Say::status(204)]).await;
    let config = serde_json::from_value(serde_json::json!({
        "id": "generic", "bot_handle": "acme", "bot_id": "b", "kind": "generic", "callback_url": server.url,
    }));
    let config: domain::storefront::NetworkConfig = config.unwrap();
    let secrets = |_: &str| vec![crate::support::WEBHOOK_SECRET.to_owned()];
    for stage in ["dev", "prod"] {
        let http = Http::new(Reach::of_stage(stage, &server.url), || NOW);
        let networks = networks::Networks::new(std::slice::from_ref(&config), secrets, &http);
        let network = networks.get(&"generic".into()).unwrap();
        let to = crate::support::post("generic", "1");
        let reply = networks::Reply { to: &to, text: "hi", lang: None, idempotency: "1" };
        let error = network.reply(&reply).await.unwrap_err();
        assert!(matches!(error, NetworkError::Address("callback_url")) && !error.retryable(), "{error}");
    }
    assert!(server.asked().is_empty());
}
