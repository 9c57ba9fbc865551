//! The life of a supervisor: start, execute commands, stop. Whatever happens in between, it stops everything.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::time::Duration;

use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::command::{Answer, Command};
use crate::options::Options;
use crate::progress::say;
use crate::supervisor::Supervisor;

/// The reason why the stack has to stop, once there is one.
pub(crate) type End = watch::Sender<Option<&'static str>>;

/// Runs a stack until a signal, the stop command or, with `until_eof`, the end of standard input.
///
/// Must be called on the main thread, in a `LocalSet` of a current-thread runtime: children die with the thread that
/// spawned them.
pub async fn run(options: Options, until_eof: bool) -> anyhow::Result<()> {
    let end = End::new(None);
    listen_to_signals(&end)?;
    let mut commands = read_commands(until_eof, &end);
    let mut ended = end.subscribe();

    let mut supervisor = Supervisor::new(options)?;
    let started = tokio::select! {
        started = supervisor.start() => started,
        _ = ended.wait_for(Option::is_some) => Ok(()),
    };
    if started.is_ok() && ended.borrow().is_none() {
        print(&supervisor.endpoints());
        say(format_args!("ready"));
    }
    while started.is_ok() && ended.borrow().is_none() {
        let line = tokio::select! {
            _ = ended.wait_for(Option::is_some) => None,
            Some(line) = commands.recv() => Some(line),
            () = tokio::time::sleep(Duration::from_millis(200)) => None,
        };
        if let Some(line) = line {
            tokio::select! {
                answer = answer(&mut supervisor, &line, &end) => print(&answer),
                _ = ended.wait_for(Option::is_some) => {}
            }
        }
        supervisor.report_ended();
    }
    if let Some(reason) = *ended.borrow() {
        say(format_args!("stopping: {reason}"));
    }
    let stopped = supervisor.stop().await;
    started.and(stopped)
}

async fn answer(supervisor: &mut Supervisor, line: &str, end: &End) -> Answer {
    let result = match serde_json::from_str(line) {
        Ok(Command::Stop) => {
            print(&Answer {
                ok: true,
                ..Answer::default()
            });
            end.send_replace(Some("told to"));
            std::future::pending().await
        }
        Ok(command) => supervisor.execute(command).await,
        Err(error) => Err(error.into()),
    };
    result.unwrap_or_else(|error| Answer {
        error: Some(format!("{error:#}")),
        ..Answer::default()
    })
}

/// Prints one JSON line; the reader may be gone.
pub(crate) fn print(value: &impl Serialize) {
    let mut stdout = std::io::stdout().lock();
    if let Ok(line) = serde_json::to_string(value) {
        writeln!(stdout, "{line}").and_then(|()| stdout.flush()).ok();
    }
}

pub(crate) fn listen_to_signals(end: &End) -> anyhow::Result<()> {
    for (kind, name) in [
        (SignalKind::interrupt(), "SIGINT"),
        (SignalKind::terminate(), "SIGTERM"),
        (SignalKind::hangup(), "SIGHUP"),
    ] {
        let mut signals = signal(kind)?;
        let end = end.clone();
        tokio::spawn(async move {
            signals.recv().await;
            end.send_replace(Some(name));
        });
    }
    Ok(())
}

/// Lines of standard input, unless it is a terminal, from which a background job must not read.
pub(crate) fn read_commands(until_eof: bool, end: &End) -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let end = end.clone();
    // In a separate thread: tokio would wait for a pending read when the program ends.
    std::thread::spawn(move || {
        if until_eof || !std::io::stdin().is_terminal() {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                if !line.trim().is_empty() && sender.send(line).is_err() {
                    return;
                }
            }
        }
        if until_eof {
            end.send_replace(Some("end of standard input"));
        }
    });
    receiver
}
