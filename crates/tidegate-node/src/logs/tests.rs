//! Logs as `kubectl logs` users see them.

use std::sync::{Arc, Mutex};

use futures::StreamExt;

use super::pump::Output;
use super::*;

struct Case {
    log: Arc<ContainerLog>,
    directory: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let log = Arc::new(ContainerLog::open(directory.path().join("main")));
        Self { log, directory }
    }

    async fn run(&self, run: u32, text: &str) {
        let writer = Mutex::new(self.log.begin(run).expect("writable"));
        pump(text.as_bytes(), Output::Stdout, &writer, &self.log).await;
        self.log.end();
    }

    async fn read(&self, options: LogOptions) -> Option<String> {
        let stream = self.log.read(options).expect("readable")?;
        let chunks: Vec<_> = stream.map(|chunk| chunk.expect("readable")).collect().await;
        Some(String::from_utf8(chunks.concat()).expect("text"))
    }
}

#[tokio::test]
async fn the_whole_log_byte_for_byte() {
    let case = Case::new();
    assert_eq!(
        case.read(LogOptions::default()).await,
        None,
        "nothing ran yet"
    );
    case.run(0, "one\n\ntwo three\nunfinished").await;
    let text = case.read(LogOptions::default()).await;
    assert_eq!(text.as_deref(), Some("one\n\ntwo three\nunfinished"));
    let path = case.directory.path().join("main/0.log");
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&path.metadata().expect("exists").permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn parts_of_a_log() {
    let case = Case::new();
    case.run(0, "one\ntwo\nthree\n").await;
    let tail = |lines| LogOptions {
        tail_lines: Some(lines),
        ..LogOptions::default()
    };
    assert_eq!(case.read(tail(0)).await.as_deref(), Some(""));
    assert_eq!(case.read(tail(2)).await.as_deref(), Some("two\nthree\n"));
    assert_eq!(
        case.read(tail(9)).await.as_deref(),
        Some("one\ntwo\nthree\n")
    );
    let limit = LogOptions {
        limit_bytes: Some(6),
        ..LogOptions::default()
    };
    assert_eq!(case.read(limit).await.as_deref(), Some("one\ntw"));
    let hour = jiff::SignedDuration::from_hours(1);
    let since = |since| LogOptions {
        since: Some(since),
        ..LogOptions::default()
    };
    assert_eq!(
        case.read(since(Timestamp::now() + hour)).await.as_deref(),
        Some("")
    );
    let text = case.read(since(Timestamp::now() - hour)).await;
    assert_eq!(text.as_deref(), Some("one\ntwo\nthree\n"));
    let text = case
        .read(LogOptions {
            timestamps: true,
            ..tail(1)
        })
        .await
        .expect("a log");
    let (time, rest) = text.split_once(' ').expect("a time in front");
    assert!(time.parse::<Timestamp>().is_ok(), "{time}");
    assert_eq!(rest, "three\n");
}

#[tokio::test]
async fn the_run_before_and_no_older_one() {
    let case = Case::new();
    case.run(0, "zero\n").await;
    let previous = || LogOptions {
        previous: true,
        ..LogOptions::default()
    };
    assert_eq!(case.read(previous()).await, None);
    for (run, text) in [(1, "first\n"), (2, "second\n")] {
        case.run(run, text).await;
    }
    assert_eq!(case.read(previous()).await.as_deref(), Some("first\n"));
    assert_eq!(
        case.read(LogOptions::default()).await.as_deref(),
        Some("second\n")
    );
    assert!(!case.directory.path().join("main/0.log").exists());
}

#[tokio::test]
async fn rotated_files_are_one_log_and_the_oldest_go() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let mut writer = LogWriter::with_limit(path, 0, 100).expect("writable");
    let mut reader = reader::Reader::open(path, 0, &LogOptions::default()).expect("readable");
    let mut followed = Vec::new();
    for number in 0..40 {
        let mut entry = Vec::new();
        line::write(
            &mut entry,
            Timestamp::now(),
            Output::Stdout,
            true,
            format!("line {number}").as_bytes(),
        );
        writer.append(&entry).expect("writable");
        followed.extend(reader.read().expect("readable"));
    }
    let expected: String = (0..40).map(|number| format!("line {number}\n")).collect();
    assert_eq!(
        String::from_utf8(followed).expect("text"),
        expected,
        "a follower misses nothing"
    );
    assert_eq!(writer::files(path, 0).len(), 5);
    let mut reader = reader::Reader::open(path, 0, &LogOptions::default()).expect("readable");
    let kept = String::from_utf8(reader.read().expect("readable")).expect("text");
    assert!(kept.ends_with("line 38\nline 39\n"), "{kept}");
    assert!(!kept.contains("line 0\n"), "{kept}");
    assert!(kept.lines().count() >= 10, "{kept}");
}

#[tokio::test]
async fn a_follower_sees_lines_as_they_come_and_ends_with_the_run() {
    let case = Case::new();
    let writer = Arc::new(Mutex::new(case.log.begin(0).expect("writable")));
    let (mut program, pipe) = tokio::io::duplex(1024);
    let log = Arc::clone(&case.log);
    let pumping = tokio::spawn(async move {
        pump(pipe, Output::Stdout, &writer, &log).await;
        log.end();
    });
    let follow = LogOptions {
        follow: true,
        ..LogOptions::default()
    };
    let mut stream = case.log.read(follow).expect("readable").expect("a log");
    for line in ["one\n", "two\n"] {
        tokio::io::AsyncWriteExt::write_all(&mut program, line.as_bytes())
            .await
            .expect("written");
        let chunk = stream.next().await.expect("goes on").expect("readable");
        assert_eq!(chunk, line.as_bytes());
    }
    drop(program);
    assert!(stream.next().await.is_none());
    pumping.await.expect("no panic");
}
