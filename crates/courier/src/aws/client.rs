//! Signed calls.

use monban_model::Stamp;
use serde_json::Value;

use super::exchange::{Answer, Ask, Endpoint, Patience, Wire};
use super::fault::{Cause, Fault};
use super::sign::{self, Scope, Unsigned};
use super::{Keys, xml};

/// A service of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// CloudWatch Logs.
    Logs,
    /// CloudWatch.
    Metrics,
    /// Simple Notification Service.
    Sns,
}

impl Service {
    /// The first word of its servers' names, and its name in signatures.
    const fn word(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Metrics => "monitoring",
            Self::Sns => "sns",
        }
    }
}

/// Calls the services of one region.
#[derive(Clone, Debug)]
pub struct Client {
    region: String,
    endpoint: Option<Endpoint>,
    wire: Wire,
}

impl Client {
    /// For a region; `endpoint` is another address of its services than the public ones.
    ///
    /// # Errors
    /// The region or the endpoint cannot be one.
    pub fn new(region: &str, endpoint: Option<&str>, patience: Patience) -> Result<Self, Fault> {
        // Also where the endpoint is given, the region is what is signed for.
        Endpoint::of_region("logs", region)?;
        let endpoint = endpoint.map(Endpoint::given).transpose()?;
        Ok(Self { region: region.to_owned(), endpoint, wire: Wire::new(patience) })
    }

    /// Its region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// A call of the Query protocol: names and values as a form, the answer in XML.
    pub(crate) fn query(
        &self,
        service: Service,
        fields: &[(String, String)],
        keys: &Keys,
        now: Stamp,
    ) -> Result<String, Fault> {
        let body = form(fields);
        let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        let answer = self.call(service, &headers, body.as_bytes(), keys, now)?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        if answer.status == 200 {
            return Ok(text);
        }
        let code = xml::text_of(&text, "Code").unwrap_or_default();
        let message = xml::text_of(&text, "Message").unwrap_or_default();
        Err(Fault::of_answer(answer.status, code.trim(), message.trim(), answer.date, now))
    }

    /// A call of the JSON protocol 1.1.
    pub(crate) fn json(
        &self,
        service: Service,
        target: &str,
        (body, encoding): (&[u8], Option<&str>),
        keys: &Keys,
        now: Stamp,
    ) -> Result<Value, Fault> {
        let mut headers =
            vec![("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
        headers.extend(encoding.map(|encoding| ("content-encoding", encoding)));
        let answer = self.call(service, &headers, body, keys, now)?;
        let value: Option<Value> = match answer.body.trim_ascii() {
            b"" => Some(Value::Null),
            body => serde_json::from_slice(body).ok(),
        };
        if answer.status == 200 {
            let garbage = || Fault::transient(Cause::Server, "AWS answers what is no JSON");
            return value.ok_or_else(garbage);
        }
        let (code, message) = json_error(&answer, &value.unwrap_or_default());
        Err(Fault::of_answer(answer.status, &code, &message, answer.date, now))
    }

    fn call(
        &self,
        service: Service,
        headers: &[(&str, &str)],
        body: &[u8],
        keys: &Keys,
        now: Stamp,
    ) -> Result<Answer, Fault> {
        let public = || Endpoint::of_region(service.word(), &self.region);
        let endpoint = self.endpoint.clone().map_or_else(public, Ok)?;
        let mut headers = headers.to_vec();
        headers.push(("host", &endpoint.host));
        let request = Unsigned { method: "POST", path: "/", query: "", headers: &headers, body };
        let scope = Scope { region: &self.region, service: service.word(), time: now };
        let added = sign::sign(&request, &scope, keys);
        let added = added.iter().map(|(name, value)| (*name, value.as_str()));
        let headers: Vec<(&str, &str)> = headers.iter().copied().chain(added).collect();
        let url = format!("{}/", endpoint.url);
        self.wire.ask(&Ask { method: "POST", url: &url, headers: &headers, body })
    }
}

/// Names and values as a form, with `+` for a space.
pub(crate) fn form(fields: &[(String, String)]) -> String {
    let value = |text: &str| sign::encoded(text).replace("%20", "+");
    let pairs = fields.iter().map(|(name, text)| format!("{name}={}", value(text)));
    pairs.collect::<Vec<_>>().join("&")
}

/// The code and message of an error in JSON. The code may carry a namespace before `#` and an
/// address behind `:`.
fn json_error(answer: &Answer, value: &Value) -> (String, String) {
    let code = value["__type"].as_str().or(value["code"].as_str());
    let code = code.unwrap_or(&answer.error);
    let code = code.rsplit('#').next().unwrap_or_default();
    let code = code.split(':').next().unwrap_or_default();
    let message = value["message"].as_str().or(value["Message"].as_str()).unwrap_or_default();
    if !code.is_empty() || !message.is_empty() {
        return (code.to_owned(), message.to_owned());
    }
    // What stands before a service may refuse in XML.
    let text = String::from_utf8_lossy(&answer.body);
    let word = |name| xml::text_of(&text, name).unwrap_or_default().trim().to_owned();
    (word("Code"), word("Message"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_code_of_an_error_is_found_in_each_form() {
        let of = |header: &str, body: &str| {
            let answer = Answer { error: header.to_owned(), ..Answer::default() };
            json_error(&answer, &serde_json::from_str(body).unwrap_or_default())
        };
        let code = "ResourceNotFoundException";
        let long = format!(r#"{{"__type":"com.amazonaws.logs#{code}","message":"a"}}"#);
        assert_eq!(of("", &long), (code.to_owned(), "a".to_owned()));
        let with_address = format!("{code}:http://internal.amazon.com/coral/");
        assert_eq!(of(&with_address, r#"{"Message":"b"}"#), (code.to_owned(), "b".to_owned()));
        assert_eq!(of("", "[]"), (String::new(), String::new()));
        let body = b"<E><Code>AccessDenied</Code><Message> no </Message></E>".to_vec();
        let found = json_error(&Answer { body, ..Answer::default() }, &Value::Null);
        assert_eq!(found, ("AccessDenied".to_owned(), "no".to_owned()));
    }

    proptest! {
        #[test]
        fn any_answer_has_a_code_or_none(text in ".{0,80}", header in ".{0,40}") {
            let answer = Answer { error: header, ..Answer::default() };
            let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
            let _ = json_error(&answer, &value);
        }
    }
}
