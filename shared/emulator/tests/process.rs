//! Start, isolation, persistence and end of the emulator's process.

use std::{path::Path, time::Duration};

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

/// Whether a process with this text in its command line is alive.
fn alive(text: &str) -> bool {
    std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        std::fs::read(entry.path().join("cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(text) && !line.starts_with(b"sh\0"))
    })
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
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
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
    let listening: Vec<_> = sockets
        .lines()
        .filter(|line| line.contains(&port) && line.contains(" 0A "))
        .collect();
    assert!(!listening.is_empty() && listening.iter().all(|line| line.contains("0100007F")), "{listening:?}");
}

#[tokio::test]
async fn a_second_emulator_on_the_same_data_waits_for_the_first() {
    let data = tempfile::tempdir().unwrap();
    let options = Options::new(venv(), data.path()).keep_state();
    let first = Emulator::start(options.clone()).await.unwrap();
    remember(&first.account(), "first").await;
    let (stopped, second) = tokio::join!(
        async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            first.stop().await
        },
        Emulator::start(options)
    );
    stopped.unwrap();
    assert_eq!(recall(&second.unwrap().account()).await.as_deref(), Some("first"));
}

#[tokio::test]
async fn the_emulator_dies_with_its_owner_and_removes_its_data() {
    let data = tempfile::tempdir().unwrap();
    let inner = data.path().join("of-the-dead");
    let options = Options::new(venv(), &inner).remove_data();
    let emulator = Emulator::start(options).await.unwrap();
    let name = inner.to_str().unwrap().to_owned();
    assert!(alive(&name) && inner.exists());
    // What happens to the pipe when a process is killed happens here without a word to the child.
    drop(emulator);
    eventually("it went", || !alive(&name) && !inner.exists()).await;
}
