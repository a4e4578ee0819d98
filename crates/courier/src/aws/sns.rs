//! SNS: publishing to a topic.

use std::collections::BTreeMap;

use monban_model::Stamp;
use monban_model::limits::AWS_MESSAGE_MAX;

use super::client::{Client, Service};
use super::fault::{Cause, Fault};
use super::{Holder, regions, xml};

/// Longest subject, in characters.
const SUBJECT_MAX: usize = 100;
/// Longest SMS, in bytes: the longest that SNS cuts into several.
const SMS_MAX: usize = 1600;

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// The whole ARN.
    pub arn: String,
    /// Its region.
    pub region: String,
    /// The account that it belongs to.
    pub account: String,
    /// Its name.
    pub name: String,
}

impl Topic {
    /// The topic of an ARN, `arn:aws:sns:ap-northeast-1:123456789012:ops`.
    ///
    /// # Errors
    /// It is none of a topic.
    pub fn parse(arn: &str) -> Result<Self, Fault> {
        let wrong = |why: &str| {
            let text = format!("`{arn}` is no topic's ARN: {why}");
            Err(Fault::permanent(Cause::Invalid, text))
        };
        let parts: Vec<&str> = arn.split(':').collect();
        let &["arn", partition, "sns", region, account, name] = parts.as_slice() else {
            return wrong("it looks like arn:aws:sns:REGION:ACCOUNT:NAME");
        };
        let letters = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        match () {
            () if !regions::is_region(region) => wrong("its region is none"),
            () if regions::partition(region) != partition => wrong("its region is of others"),
            () if !is_account => wrong("an account has 12 digits"),
            () if name.len() > 256 || !letters(name.strip_suffix(".fifo").unwrap_or(name)) => {
                wrong("the name of a topic has letters, digits, - and _")
            }
            () => {
                let [region, account, name] = [region, account, name].map(str::to_owned);
                Ok(Self { arn: arn.to_owned(), region, account, name })
            }
        }
    }

    /// Whether it keeps an order and takes each message once.
    pub fn is_fifo(&self) -> bool {
        self.name.ends_with(".fifo")
    }
}

/// A message, in the forms in which subscribers get it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Names it over every try, for topics that take each message once.
    pub id: String,
    /// What belongs together, for topics that keep an order.
    pub thread: String,
    /// The subject of a mail: ASCII, see [`subject`].
    pub subject: String,
    /// What programs get: `default`.
    pub default: String,
    /// What a mail says.
    pub email: String,
    /// What a phone shows.
    pub sms: String,
}

impl Client {
    /// Publishes a message. Returns its id.
    ///
    /// # Errors
    /// It is not known to have been taken.
    pub fn publish(
        &self,
        topic: &Topic,
        message: &Message,
        holder: &mut Holder,
        now: Stamp,
    ) -> Result<String, Fault> {
        let fields = fields(topic, message)?;
        let answer = self.query_renewed(Service::Sns, &fields, holder, now)?;
        let garbage = || Fault::transient(Cause::Server, "SNS answers without a message id");
        xml::text_of(&answer, "MessageId").filter(|id| !id.is_empty()).ok_or_else(garbage)
    }

    /// Asks whether a topic is there and may be seen; nothing is sent to its subscribers.
    ///
    /// # Errors
    /// It is not, or nobody answers.
    pub fn check_topic(&self, topic: &Topic, holder: &mut Holder, now: Stamp) -> Result<(), Fault> {
        let fields = [
            ("Action", "GetTopicAttributes"),
            ("Version", "2010-03-31"),
            ("TopicArn", topic.arn.as_str()),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.query_renewed(Service::Sns, &fields, holder, now).map(|_| ())
    }
}

fn fields(topic: &Topic, message: &Message) -> Result<Vec<(String, String)>, Fault> {
    // A JSON object with one text for each way; `default` for those that are not named.
    let [default, email] = [&message.default, &message.email].map(|text| cut(text, TEXT_MAX));
    let sms = cut(&message.sms, SMS_MAX);
    let forms = BTreeMap::from([("default", default), ("email", email), ("sms", sms)]);
    let text = serde_json::to_string(&forms)
        .map_err(|_| Fault::permanent(Cause::Invalid, "the message cannot be written as JSON"))?;
    if text.len() > AWS_MESSAGE_MAX {
        let text = "the message is longer than SNS takes";
        return Err(Fault::permanent(Cause::Unfit, text));
    }
    let mut fields = vec![
        ("Action", "Publish".to_owned()),
        ("Version", "2010-03-31".to_owned()),
        ("TopicArn", topic.arn.clone()),
        ("Message", text),
        ("MessageStructure", "json".to_owned()),
    ];
    let subject = subject(&message.subject);
    if !subject.is_empty() && !topic.is_fifo() {
        fields.push(("Subject", subject));
    }
    if topic.is_fifo() {
        fields.push(("MessageGroupId", id_of(&message.thread)));
        fields.push(("MessageDeduplicationId", id_of(&message.id)));
    }
    Ok(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Longest text of one form, in bytes: written as JSON, each byte may need six.
const TEXT_MAX: usize = (AWS_MESSAGE_MAX - 6 * SMS_MAX - 64) / 12;

fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// A text as the subject of a mail by SNS: runs of anything but printable ASCII become one `_`, and
/// at most 100 characters stay, the last three of a longer one as `...`.
pub fn subject(text: &str) -> String {
    let mut subject = String::new();
    let mut is_run = false;
    // It begins with a letter, digit or sign.
    for c in text.trim().chars() {
        let is_plain = c == ' ' || c.is_ascii_graphic();
        match (is_plain, is_run) {
            (true, _) => subject.push(c),
            (false, false) => subject.push('_'),
            (false, true) => {}
        }
        is_run = !is_plain;
        if subject.len() > SUBJECT_MAX {
            subject.truncate(SUBJECT_MAX - 3);
            subject.push_str("...");
            break;
        }
    }
    subject
}

/// An id as FIFO topics take it: at most 128 letters, digits and signs of ASCII.
fn id_of(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_graphic() { c } else { '_' };
    let id: String = text.chars().map(plain).take(128).collect();
    if id.is_empty() { "monban".to_owned() } else { id }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ARN: &str = "arn:aws:sns:ap-northeast-1:123456789012:ops";

    #[test]
    fn an_arn_is_a_topics_or_said_not_to_be() {
        let topic = Topic::parse(ARN).unwrap();
        assert_eq!((topic.region.as_str(), topic.name.as_str()), ("ap-northeast-1", "ops"));
        assert!(Topic::parse("arn:aws-cn:sns:cn-north-1:123456789012:a.fifo").unwrap().is_fifo());
        for wrong in [
            "",
            "arn:aws:sqs:ap-northeast-1:123456789012:ops",
            "arn:aws:sns:ap-northeast-1:12345:ops",
            "arn:aws:sns:evil/:123456789012:ops",
            "arn:aws:sns:cn-north-1:123456789012:ops",
            "arn:aws:sns:ap-northeast-1:123456789012:ops:2ffe",
            "arn:aws:sns:ap-northeast-1:123456789012:",
        ] {
            assert!(Topic::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_subject_is_what_sns_takes() {
        let name = "変なSSHアクセスがありましたよ。";
        let told = subject(&format!("ALARM: \"{name}\" in Asia Pacific (Tokyo)"));
        assert_eq!(told, "ALARM: \"_SSH_\" in Asia Pacific (Tokyo)");
        assert_eq!(subject(&"a".repeat(100)), "a".repeat(100));
        assert_eq!(subject(&"a".repeat(101)), "a".repeat(97) + "...");
        assert_eq!(subject(" a\r\nBcc: x "), "a_Bcc: x");
    }

    #[test]
    fn a_message_goes_in_three_forms() {
        let message = Message {
            subject: "ALARM".to_owned(),
            default: "{\"a\":1}".to_owned(),
            email: "門番 \"x\"\n".to_owned(),
            ..Message::default()
        };
        let found = fields(&Topic::parse(ARN).unwrap(), &message).unwrap();
        let value = |name: &str| found.iter().find(|(known, _)| known == name).map(|(_, v)| v);
        let text: serde_json::Value = serde_json::from_str(value("Message").unwrap()).unwrap();
        assert_eq!(
            (&text["default"], &text["email"]),
            (&"{\"a\":1}".into(), &"門番 \"x\"\n".into())
        );
        assert_eq!(value("Subject").map(String::as_str), Some("ALARM"));
        assert_eq!(value("MessageGroupId"), None);
    }

    proptest! {
        #[test]
        fn any_message_fits(text in ".{0,200}", times in 1_usize..3000) {
            let long = text.repeat(times);
            let message = Message {
                id: long.clone(),
                thread: long.clone(),
                subject: long.clone(),
                default: long.clone(),
                email: long.clone(),
                sms: long,
            };
            let fifo = Topic::parse("arn:aws:sns:ap-northeast-1:123456789012:ops.fifo").unwrap();
            for topic in [Topic::parse(ARN).unwrap(), fifo] {
                let found = fields(&topic, &message).unwrap();
                let message = found.iter().find(|(name, _)| name == "Message").unwrap();
                prop_assert!(message.1.len() <= AWS_MESSAGE_MAX);
            }
            prop_assert!(subject(&message.subject).len() <= SUBJECT_MAX);
            prop_assert!(subject(&message.subject).bytes().all(|b| (b' '..=b'~').contains(&b)));
        }
    }
}
