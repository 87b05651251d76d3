//! Parses the text of a fault from the command line: `METHOD PATH ACTION [OPTION...]`, for example `POST /api/apikeys drop after`. The text
//! is split into words in the same way as a shell command.

use std::str::FromStr;
use std::time::Duration;

use super::fault::{Action, Fault, When};

/// The syntax of a fault, for help texts.
pub const FAULT_FORM: &str = "\
METHOD PATH ACTION [OPTION...], for example 'POST /api/apikeys drop after'. METHOD can be *, and PATH can contain *.
Actions: drop, reset, delay=TIME, cut=BYTES, stall=BYTES, status=CODE, raw=TEXT, twice (execute the request twice), \
late=TIME (reset the connection and execute the request TIME later), swap (two requests with this fault receive each other's response).
Options: `before` or `after` the request is executed (default: before), nth=N (the number of the first affected request, default: 1), \
times=N or `always` (the number of affected requests, default: 1), header='NAME: VALUE', body=TEXT.";

const EXAMPLE: &str = "expected a fault such as `POST /api/apikeys drop after`";

impl FromStr for Fault {
    type Err = String;

    fn from_str(spec: &str) -> Result<Fault, String> {
        let words = shell_words::split(spec).map_err(|error| error.to_string())?;
        let [method, path, action, options @ ..] = words.as_slice() else {
            return Err(EXAMPLE.to_owned());
        };
        let mut fault = Fault {
            method: (method != "*").then(|| method.to_uppercase()),
            path: path.clone(),
            nth: 1,
            times: 1,
            when: When::Before,
            action: parse_action(action)?,
        };
        for option in options {
            parse_option(&mut fault, option)?;
        }
        Ok(fault)
    }
}

fn parse_action(word: &str) -> Result<Action, String> {
    let (name, value) = word.split_once('=').unwrap_or((word, ""));
    match name {
        "drop" => Ok(Action::Drop),
        "reset" => Ok(Action::Reset),
        "twice" => Ok(Action::Twice),
        "late" => parse_time(name, value).map(Action::Late),
        "swap" => Ok(Action::Swap),
        "delay" => parse_time(name, value).map(Action::Delay),
        "cut" => number(name, value).map(Action::Cut),
        "stall" => number(name, value).map(Action::Stall),
        "status" => Ok(Action::Answer {
            status: parse_status(value)?,
            headers: Vec::new(),
            body: Vec::new(),
        }),
        "raw" => Ok(Action::Raw(
            value.replace("\\r", "\r").replace("\\n", "\n").into_bytes(),
        )),
        _ => Err(format!("`{word}` is not a valid action; {EXAMPLE}")),
    }
}

fn parse_option(fault: &mut Fault, word: &str) -> Result<(), String> {
    let (name, value) = word.split_once('=').unwrap_or((word, ""));
    match (name, &mut fault.action) {
        ("before", _) => fault.when = When::Before,
        ("after", _) => fault.when = When::After,
        ("nth", _) => fault.nth = number(name, value)?,
        ("times", _) => fault.times = number(name, value)?,
        ("always", _) => fault.times = u32::MAX,
        ("header", Action::Answer { headers, .. }) => {
            let (name, value) = value
                .split_once(':')
                .ok_or_else(|| format!("`{value}` is not a header; expected `NAME: VALUE`"))?;
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
        ("body", Action::Answer { body, .. }) => *body = value.as_bytes().to_vec(),
        _ => {
            return Err(format!(
                "`{word}` is not a valid option for this action; {EXAMPLE}"
            ));
        }
    }
    Ok(())
}

fn number<T: FromStr>(name: &str, value: &str) -> Result<T, String> {
    value
        .parse()
        .map_err(|_| format!("{name}={value}: expected an integer in the allowed range"))
}

fn parse_status(value: &str) -> Result<u16, String> {
    number("status", value).and_then(|status| match status {
        // A 1xx status is not allowed, because the client waits for another response after a 1xx response.
        200..=599 => Ok(status),
        _ => Err(format!("status={value}: expected a status from 200 to 599")),
    })
}

fn parse_time(name: &str, value: &str) -> Result<Duration, String> {
    match humantime::parse_duration(value) {
        Ok(time) if time <= Duration::from_secs(366 * 86_400) => Ok(time),
        Ok(_) => Err(format!("{name}={value}: the time is longer than a year")),
        Err(error) => Err(format!("{name}={value}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_parsed_with_all_its_options() {
        let fault: Result<Fault, String> =
            "post /api/roles/* status=503 nth=2 times=3 after header='Retry-After: 1' body='not yet'".parse();
        let action = Action::Answer {
            status: 503,
            headers: vec![("Retry-After".to_owned(), "1".to_owned())],
            body: b"not yet".to_vec(),
        };
        assert_eq!(
            fault,
            Ok(Fault::new("POST", "/api/roles/*", action)
                .nth(2)
                .times(3)
                .after())
        );
    }

    #[test]
    fn short_forms_are_parsed_and_invalid_faults_are_rejected() {
        assert_eq!(
            "* * drop always".parse(),
            Ok(Fault {
                method: None,
                ..Fault::new("", "*", Action::Drop).times(u32::MAX)
            })
        );
        let delay: Result<Fault, String> = "GET /x delay=2s".parse();
        assert_eq!(
            delay.map(|fault| fault.action),
            Ok(Action::Delay(Duration::from_secs(2)))
        );
        for (action, parsed) in [
            ("twice", Action::Twice),
            ("late=1s", Action::Late(Duration::from_secs(1))),
            ("swap", Action::Swap),
        ] {
            let fault: Result<Fault, String> = format!("GET /x {action}").parse();
            assert_eq!(fault.map(|fault| fault.action), Ok(parsed));
        }
        for wrong in [
            "GET /x late",
            "GET /x",
            "GET /x explode",
            "GET /x status=99",
            "GET /x drop body=x",
            "GET /x cut=-1",
            "GET 'x",
        ] {
            assert!(wrong.parse::<Fault>().is_err(), "{wrong}");
        }
    }
}
