//! Start, isolation, persistence and end of the emulator's process.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
    process::Command,
    time::Duration,
};

use aws_sdk_ses::{primitives::Blob, types::RawMessage};
use aws_sdk_ssm::types::ParameterType;
use emulator::{Account, Emulator, EmulatorError, Options, Venv};

const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn venv() -> Venv {
    Venv::of_checkout(Path::new(CHECKOUT))
}

async fn remember(account: &Account, value: &str) {
    aws_sdk_ssm::Client::new(&account.sdk_config())
        .put_parameter()
        .name("/hashcart/local/note")
        .value(value)
        .r#type(ParameterType::SecureString)
        .send()
        .await
        .unwrap();
}

async fn recall(account: &Account) -> Option<String> {
    aws_sdk_ssm::Client::new(&account.sdk_config())
        .get_parameter()
        .name("/hashcart/local/note")
        .with_decryption(true)
        .send()
        .await
        .ok()?
        .parameter?
        .value
}

/// How many processes with this text in their command line are alive.
fn alive(text: &str) -> usize {
    let mentions = |entry: &std::fs::DirEntry| {
        std::fs::read(entry.path().join("cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(text))
    };
    std::fs::read_dir("/proc").unwrap().flatten().filter(mentions).count()
}

async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..600 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}");
}

#[tokio::test]
async fn what_was_kept_is_there_after_a_stop_and_on_another_port() {
    let data = tempfile::tempdir().unwrap();
    let options = Options::new(venv(), data.path()).keep_state();
    let emulator = Emulator::start(options.clone()).await.unwrap();
    let first = emulator.port();
    remember(&emulator.account(), "kept").await;
    emulator.stop().await.unwrap();

    let emulator = Emulator::start(options).await.unwrap();
    assert_ne!(emulator.port(), first, "ports are chosen freely");
    assert_eq!(recall(&emulator.account()).await.as_deref(), Some("kept"));
}

#[tokio::test]
async fn without_keeping_everything_is_forgotten() {
    let data = tempfile::tempdir().unwrap();
    let options = Options::new(venv(), data.path());
    let emulator = Emulator::start(options.clone()).await.unwrap();
    remember(&emulator.account(), "gone").await;
    drop(emulator);
    let emulator = Emulator::start(options).await.unwrap();
    assert_eq!(recall(&emulator.account()).await, None);
}

#[tokio::test]
async fn accounts_see_nothing_of_each_other() {
    let emulator = emulator::shared().await.unwrap();
    let (one, other) = (emulator.test_account().unwrap(), emulator.test_account().unwrap());
    remember(&one, "mine").await;
    assert_eq!(recall(&one).await.as_deref(), Some("mine"));
    assert_eq!(recall(&other).await, None);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let data = tempfile::tempdir().unwrap();
    let error = Emulator::start(Options::new(venv(), data.path()).port(port)).await.unwrap_err();
    assert!(matches!(error, EmulatorError::PortTaken { port: named, .. } if named == port));
    assert!(error.to_string().contains(&port.to_string()));
}

#[tokio::test]
async fn it_listens_on_this_machine_only_and_under_a_clean_environment() {
    let data = tempfile::tempdir().unwrap();
    let emulator = Emulator::start(Options::new(venv(), data.path())).await.unwrap();
    let log = std::fs::read_to_string(emulator.log()).unwrap();
    assert!(log.contains(&format!("http://127.0.0.1:{}", emulator.port())), "{log}");
    // 0100007F is 127.0.0.1 in the kernel's table of listening sockets (state 0A).
    let port = format!(":{:04X} ", emulator.port());
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let listening: Vec<_> =
        sockets.lines().filter(|line| line.contains(&port) && line.contains(" 0A ")).collect();
    assert!(!listening.is_empty() && listening.iter().all(|line| line.contains("0100007F")), "{listening:?}");
}

#[tokio::test]
async fn a_second_emulator_on_the_same_data_waits_for_the_first() {
    let data = tempfile::tempdir().unwrap();
    let options = Options::new(venv(), data.path()).keep_state();
    let first = Emulator::start(options.clone()).await.unwrap();
    remember(&first.account(), "first").await;
    let second = tokio::spawn(Emulator::start(options));
    let name = data.path().to_str().unwrap();
    eventually("the second is there", || alive(name) == 2).await;
    first.stop().await.unwrap();
    let second = second.await.unwrap().unwrap();
    assert_eq!(recall(&second.account()).await.as_deref(), Some("first"));
}

#[tokio::test]
async fn data_that_were_to_go_are_gone() {
    let data = tempfile::tempdir().unwrap();
    let inner = data.path().join("inner");
    let emulator = Emulator::start(Options::new(venv(), &inner).remove_data()).await.unwrap();
    assert!(inner.exists());
    drop(emulator);
    assert!(!inner.exists());
    assert_eq!(alive(inner.to_str().unwrap()), 0);
}

const OWNED_DATA: &str = "EMULATOR_TEST_OWNED_DATA";

/// Not a test by itself: what the next test runs in a process of its own, to kill it.
#[tokio::test]
async fn own_an_emulator_until_killed() {
    let Some(data) = std::env::var_os(OWNED_DATA) else { return };
    let _emulator = Emulator::start(Options::new(venv(), data).keep_state()).await.unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn the_emulator_stops_cleanly_when_its_owner_is_killed() {
    let data = tempfile::tempdir().unwrap();
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "own_an_emulator_until_killed"])
        .env(OWNED_DATA, data.path())
        .spawn()
        .unwrap();
    let log = data.path().join("emulator.log");
    let running = || std::fs::read_to_string(&log).is_ok_and(|log| log.contains("Running on"));
    eventually("the emulator runs", running).await;
    owner.kill().unwrap();
    owner.wait().unwrap();
    let name = data.path().to_str().unwrap();
    eventually("the emulator has stopped", || alive(name) == 0).await;
    assert!(std::fs::read_to_string(&log).unwrap().contains("shutting down"));
}

/// Takes one mail by RFC 5321 and returns what came between DATA and the final dot.
fn take_mail(listener: &TcpListener) -> String {
    let (mut socket, _) = listener.accept().unwrap();
    let mut lines = BufReader::new(socket.try_clone().unwrap()).lines();
    socket.write_all(b"220 sink\r\n").unwrap();
    loop {
        match lines.next().unwrap().unwrap().as_str() {
            "data" | "DATA" => break,
            _ => socket.write_all(b"250 ok\r\n").unwrap(),
        }
    }
    socket.write_all(b"354 go on\r\n").unwrap();
    let mail: Vec<String> = lines.by_ref().map(Result::unwrap).take_while(|line| line != ".").collect();
    socket.write_all(b"250 taken\r\n").unwrap();
    mail.join("\n")
}

#[tokio::test]
async fn mails_are_handed_to_the_smtp_server() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let data = tempfile::tempdir().unwrap();
    let options = Options::new(venv(), data.path()).remove_data();
    let emulator = Emulator::start(options.smtp(listener.local_addr().unwrap())).await.unwrap();
    let sink = std::thread::spawn(move || take_mail(&listener));
    let account = emulator.account();
    emulator::verify_sender(&account, "cart@acme.example", "").await.unwrap();
    let mail = "From: cart@acme.example\r\nTo: alice@example.com\r\nSubject: Your cart\r\n\r\nHello\r\n";
    let raw = RawMessage::builder().data(Blob::new(mail)).build().unwrap();
    let client = aws_sdk_ses::Client::new(&account.sdk_config());
    client.send_raw_email().raw_message(raw).send().await.unwrap();
    let taken = tokio::task::spawn_blocking(|| sink.join().unwrap()).await.unwrap();
    assert!(taken.contains("Subject: Your cart") && taken.ends_with("Hello"), "{taken}");
}
