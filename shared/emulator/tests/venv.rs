//! The Python environment, against the real package index.

use emulator::Venv;

#[test]
fn an_environment_is_made_once_even_by_two_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("emulator");
    assert!(!Venv::new(&path).is_ready());
    let results: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(|| Venv::new(&path).ensure())).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    for result in results {
        result.unwrap();
    }
    assert!(Venv::new(&path).is_ready());

    // A second call has nothing to do: it leaves even the interpreter's absence unnoticed.
    std::fs::rename(path.join("bin"), path.join("gone")).unwrap();
    Venv::new(&path).ensure().unwrap();

    // Another list of packages is another environment.
    std::fs::write(path.join("complete"), "of an older release").unwrap();
    assert!(!Venv::new(&path).is_ready());
}
