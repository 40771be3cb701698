//! The process that is killed.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::sys::prctl::set_child_subreaper;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use tidegate_plan::Delta;
use tidegate_testnet::Host;

use super::plans::steps;
use super::{Kills, PATIENCE, UPDATES};
use crate::{Finding, Mode};

/// What it says before an update, and after it.
const BEGUN: u8 = b'<';
const ENDED: u8 = b'>';

/// How long a program that it had started may go on. It works on what it has read already.
const STRAGGLING: Duration = Duration::from_secs(10);

/// What the process does that is to be killed: it starts as a proxy does, with a comparison of the
/// whole plan, and then does one change after another for as long as it lives. It tells each on its
/// standard output.
///
/// # Errors
/// A change can't be programmed.
pub fn change_until_killed(mode: Mode, first: usize) -> Finding {
    let plans = steps(mode);
    let mut mode = (mode.open)();
    let say = |word: u8| {
        let mut output = std::io::stdout().lock();
        let said = output.write_all(&[word]).and_then(|()| output.flush());
        said.map_err(|error| format!("nobody listens: {error}"))
    };
    for number in first.. {
        let plan = &plans[number % plans.len()];
        let delta = match number == first {
            true => None,
            false => Some(Delta::between(&plans[(number - 1) % plans.len()], plan)),
        };
        say(BEGUN)?;
        let done = match &delta {
            None => mode.reconcile(plan),
            Some(delta) => mode.apply(delta),
        };
        let outcome = done.map_err(|error| error.to_string())?;
        if let Some(refusal) = outcome.refused.first() {
            return Err(refusal.to_string());
        }
        say(ENDED)?;
    }
    Ok(())
}

/// The running process. It ends with this value.
pub(super) struct Victim {
    process: Child,
    words: Receiver<(Instant, u8)>,
    heard: Vec<(Instant, u8)>,
}

/// How it ended.
pub(super) struct End {
    /// Whether it was doing an update.
    pub(super) in_the_middle: bool,
    /// How long each of its first updates took, the comparison at its start first.
    pub(super) durations: Vec<Duration>,
}

impl Victim {
    /// Starts it on a node; the first of its plans has this number.
    pub(super) fn start(node: &Host, kills: &Kills, first: usize) -> Finding<Self> {
        let (program, mode) = (kills.program.clone(), kills.mode.name);
        // What it starts and leaves behind becomes ours, so that its end can be waited for.
        set_child_subreaper(true).map_err(|error| error.to_string())?;
        let started = node.with(move || {
            Command::new(program)
                .args(["--until-killed", mode, "--first-step", &first.to_string()])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .process_group(0)
                .spawn()
        });
        let mut process = started.map_err(|error| format!("it can't be started: {error}"))?;
        let mut output = process.stdout.take().expect("it is piped");
        let (tell, words) = channel();
        std::thread::spawn(move || {
            let mut word = [0];
            while output.read_exact(&mut word).is_ok() {
                if tell.send((Instant::now(), word[0])).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            process,
            words,
            heard: Vec::new(),
        })
    }

    /// Waits until it has begun so many updates.
    pub(super) fn until_begun(&mut self, updates: usize) -> Finding {
        self.until(BEGUN, updates)
    }

    /// Waits until it has done so many updates.
    pub(super) fn until_updated(&mut self, updates: usize) -> Finding {
        self.until(ENDED, updates)
    }

    fn until(&mut self, word: u8, times: usize) -> Finding {
        while self.count(word) < times {
            let heard = self.words.recv_timeout(PATIENCE);
            let heard = heard.map_err(|error| format!("the proxy says no more: {error}"))?;
            self.heard.push(heard);
        }
        Ok(())
    }

    fn count(&self, word: u8) -> usize {
        self.heard
            .iter()
            .filter(|(_, heard)| *heard == word)
            .count()
    }

    /// Kills it, and waits until what it had started has ended too: that takes far less time than
    /// a supervisor needs to start the next one.
    pub(super) fn kill(mut self) -> Finding<End> {
        let group = i32::try_from(self.process.id()).map_err(|error| error.to_string())?;
        let killed = self.process.kill().and_then(|()| self.process.wait());
        let status = killed.map_err(|error| format!("it can't be killed: {error}"))?;
        if let Some(code) = status.code() {
            return Err(format!("the proxy ended by itself with {code}"));
        }
        let begun = Instant::now();
        let ended = || waitpid(Pid::from_raw(-group), Some(WaitPidFlag::WNOHANG));
        while let Ok(one) = ended()
            && begun.elapsed() < STRAGGLING
        {
            if one == WaitStatus::StillAlive {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        self.heard.extend(self.words.iter());
        let times = |word: u8| {
            let of_word = self.heard.iter().filter(move |(_, heard)| *heard == word);
            of_word.map(|(time, _)| *time)
        };
        let durations = times(ENDED).zip(times(BEGUN));
        Ok(End {
            in_the_middle: self.count(BEGUN) > self.count(ENDED),
            durations: durations
                .map(|(ended, begun)| ended - begun)
                .take(UPDATES)
                .collect(),
        })
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // Most of the time it is dead already.
        let _killed = self.process.kill();
        let _status = self.process.wait();
    }
}
