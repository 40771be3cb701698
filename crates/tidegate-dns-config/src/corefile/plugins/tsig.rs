//! `tsig [ZONES...] { secret NAME KEY [ALGORITHM]; require all|none|TYPES... }`

use super::super::line::{Directive, Line};
use super::super::reader::Reader;
use crate::config::{Tsig, TsigAlgorithm, TsigKey, TsigRequire, TsigSecret};
use crate::problem::Problem;

pub(crate) fn read(directive: &Directive, reader: &mut Reader) -> Result<Tsig, Problem> {
    let line = &directive.line;
    let mut tsig = Tsig {
        zones: reader.zones_or_block(line, &line.arguments)?,
        ..Tsig::default()
    };
    reader.properties(directive, |line, _| {
        match line.name.as_str() {
            "secret" => tsig.keys.push(key(line)?),
            "secrets" => {
                let text = "files with keys are not supported; give each key with \"secret\"";
                return Err(line.unsupported(text));
            }
            "require" => {
                let words = line.some("all|none|TYPE...")?;
                tsig.require = match words[0].text.as_str() {
                    "all" => TsigRequire::All,
                    "none" => TsigRequire::None,
                    _ => TsigRequire::Types(Line::texts(words)),
                };
            }
            _ => return Err(line.unknown(&["secret", "require"], &[])),
        }
        Ok(())
    });
    reader.check(directive, |report| tsig.check(report));
    Ok(tsig)
}

fn key(line: &Line) -> Result<TsigKey, Problem> {
    let [name, secret, algorithm @ ..] = line.at_most(3)? else {
        let text = "arguments are missing; write secret NAME KEY [ALGORITHM]";
        return Err(line.invalid(text));
    };
    let algorithm = match algorithm.first() {
        None => TsigAlgorithm::default(),
        Some(word) => {
            let name = word.text.to_ascii_lowercase();
            let algorithms = [
                ("hmac-sha1", TsigAlgorithm::HmacSha1),
                ("hmac-sha224", TsigAlgorithm::HmacSha224),
                ("hmac-sha256", TsigAlgorithm::HmacSha256),
                ("hmac-sha384", TsigAlgorithm::HmacSha384),
                ("hmac-sha512", TsigAlgorithm::HmacSha512),
            ];
            line.choice(name.trim_end_matches('.'), &algorithms)?
        }
    };
    Ok(TsigKey {
        name: line.parse(&name.text)?,
        algorithm,
        secret: TsigSecret::new(&secret.text),
    })
}
