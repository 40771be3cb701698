//! The images that are part of this program: what the examples of Kubernetes Services use.
//!
//! Nothing is pulled. An image is recognised by the last part of its name, whatever registry, tag
//! or digest stands around it.

mod flags;
mod http;
mod netexec;
mod serve_hostname;
mod shutdown;
mod udp;

use std::path::Path;
use std::process::ExitCode;

use thiserror::Error;

use shutdown::Starting;

/// Image names that are built in, for messages.
pub(crate) const NAMES: [&str; 3] = ["serve_hostname", "agnhost", "pause"];

/// A built-in image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Image {
    ServeHostname,
    Agnhost,
    Pause,
}

/// Why a built-in program stopped.
#[derive(Debug, Error)]
enum ImageError {
    #[error(transparent)]
    Flags(#[from] flags::FlagError),
    #[error("{0:?} is not built in; agnhost here knows netexec, serve-hostname and pause")]
    UnknownSubcommand(String),
    #[error("cannot listen on {address}: {error}")]
    Listen {
        address: String,
        error: std::io::Error,
    },
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("the host name: {0}")]
    HostName(#[from] nix::Error),
}

impl Image {
    /// The built-in image that a reference such as `registry.k8s.io/e2e-test-images/agnhost:2.39`
    /// names.
    pub(crate) fn from_reference(reference: &str) -> Option<Self> {
        let without_digest = reference.split('@').next()?;
        let last = without_digest.rsplit('/').next()?;
        Self::from_name(last.split(':').next()?)
    }

    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "serve_hostname" | "serve-hostname" => Self::ServeHostname,
            "agnhost" => Self::Agnhost,
            "pause" => Self::Pause,
            _ => return None,
        })
    }

    /// The program and arguments that this image runs, or `None` when `command` is a program of
    /// the host. Without a command the image's own program runs, as with a container engine.
    pub(crate) fn words(self, command: &[String], args: &[String]) -> Option<Vec<String>> {
        let mut words = vec![self.name().to_owned()];
        if let Some((program, rest)) = command.split_first() {
            // Examples name the program inside the image: `command: ["/agnhost", "netexec"]`.
            let file = Path::new(program).file_name()?.to_str()?;
            if Self::from_name(file) != Some(self) {
                return None;
            }
            words.extend_from_slice(rest);
        }
        words.extend_from_slice(args);
        Some(words)
    }

    fn name(self) -> &'static str {
        match self {
            Self::ServeHostname => "serve_hostname",
            Self::Agnhost => "agnhost",
            Self::Pause => "pause",
        }
    }
}

/// Runs a built-in program in this process: its name, then its arguments.
pub(crate) fn main(words: &[String]) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run(words)),
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            log(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn run(words: &[String]) -> Result<ExitCode, ImageError> {
    let starting = Starting::new()?;
    let (name, args) = words
        .split_first()
        .map_or(("", &[][..]), |(name, args)| (name.as_str(), args));
    match Image::from_name(name) {
        Some(Image::ServeHostname) => serve_hostname::run(args, starting).await,
        Some(Image::Pause) => pause(starting).await,
        Some(Image::Agnhost) => match args.split_first() {
            None => pause(starting).await,
            Some((sub, rest)) => match sub.as_str() {
                "netexec" => netexec::run(rest, starting).await,
                "serve-hostname" => serve_hostname::run(rest, starting).await,
                "pause" => pause(starting).await,
                other => Err(ImageError::UnknownSubcommand(other.to_owned())),
            },
        },
        None => Err(ImageError::UnknownSubcommand(name.to_owned())),
    }
}

async fn pause(starting: Starting) -> Result<ExitCode, ImageError> {
    starting.up().wait().await;
    Ok(ExitCode::SUCCESS)
}

/// One line on standard error, where the programs of these images log too.
fn log(message: &str) {
    use std::io::Write;
    let now = jiff::Zoned::now().strftime("%Y/%m/%d %H:%M:%S").to_string();
    // A container whose log cannot be written goes on serving.
    let _ = writeln!(std::io::stderr(), "{now} {message}");
}

fn host_name() -> Result<String, ImageError> {
    Ok(nix::unistd::gethostname()?.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_last_part_of_the_name_decides() {
        for reference in [
            "serve_hostname",
            "k8s.gcr.io/serve_hostname",
            "gcr.io/google_containers/serve_hostname:1.3",
            "localhost:5000/serve_hostname:v1@sha256:0123",
        ] {
            assert_eq!(
                Image::from_reference(reference),
                Some(Image::ServeHostname),
                "{reference}"
            );
        }
        assert_eq!(
            Image::from_reference("registry.k8s.io/e2e-test-images/agnhost:2.53"),
            Some(Image::Agnhost)
        );
        assert_eq!(
            Image::from_reference("registry.k8s.io/pause:3.10"),
            Some(Image::Pause)
        );
        for reference in ["nginx", "pause/nginx", "serve_hostname/x", "", "@", ":"] {
            assert_eq!(Image::from_reference(reference), None, "{reference}");
        }
    }

    #[test]
    fn commands_that_name_the_image_s_program_stay_built_in() {
        let agnhost = Image::Agnhost;
        assert_eq!(
            agnhost.words(&[], &words("netexec")),
            Some(words("agnhost netexec"))
        );
        assert_eq!(
            agnhost.words(&words("/agnhost netexec"), &words("--http-port=80")),
            Some(words("agnhost netexec --http-port=80"))
        );
        assert_eq!(agnhost.words(&words("/bin/sh -c true"), &[]), None);
    }
}
