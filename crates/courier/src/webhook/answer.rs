//! What the answer to a web hook means.

use monban_model::limits::RETRY_AFTER_MAX_S;
use monban_model::{Stamp, days_from_civil};
use serde_json::Value;

use crate::failure::bounded;
use crate::{Delivered, Failure};

/// An answer, as far as it was read.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
    pub(super) location: Option<String>,
    pub(super) body: String,
}

impl Answer {
    /// 2xx is a delivery. 408, 425, 429 and 5xx may be over the next time; redirects are not
    /// followed, since who answers there was not named; everything else stays as it is.
    pub(super) fn judge(&self, now: Stamp) -> Result<Delivered, Failure> {
        let said = bounded(&format!("{} {}", self.status, first_line(&self.body)));
        match self.status {
            200..=299 => Ok(Delivered { said, refused: Vec::new() }),
            300..=399 => {
                let to = self.location.as_deref().unwrap_or("nowhere");
                Err(Failure::permanent(format!("server said {said}, and to go to {to}")))
            }
            408 | 425 | 429 | 500..=599 => {
                let wait = self.wait_s(now);
                Err(Failure::transient(format!("server said {said}")).after(wait))
            }
            _ => Err(Failure::permanent(format!("server said {said}"))),
        }
    }

    /// How long we shall wait: the header, or what Discord and Telegram write into their JSON.
    fn wait_s(&self, now: Stamp) -> Option<u64> {
        let header = self.retry_after.as_deref().map(str::trim);
        let of_header = header.and_then(|text| text.parse().ok().or_else(|| until(text, now)));
        let wait = of_header.or_else(|| {
            let body: Value = serde_json::from_str(&self.body).ok()?;
            let wait = [body.get("retry_after"), body.pointer("/parameters/retry_after")];
            let wait = wait.into_iter().flatten().find_map(Value::as_f64)?;
            // Saturates, and what is no number is 0.
            Some(wait.ceil() as u64)
        });
        wait.map(|s| s.min(RETRY_AFTER_MAX_S))
    }
}

/// Seconds until a time as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7).
fn until(text: &str, now: Stamp) -> Option<u64> {
    let parts: Vec<&str> = text.split([' ', ':']).filter(|part| !part.is_empty()).collect();
    let [_, day, month, year, hour, minute, second, "GMT"] = parts[..] else { return None };
    let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = months.find(month).filter(|at| month.len() == 3 && at % 3 == 0)? / 3 + 1;
    let number = |text: &str, most: i64| {
        let fits = text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|n| fits && *n <= most)
    };
    let days = days_from_civil(number(year, 9999)?, i64::try_from(month).ok()?, number(day, 31)?);
    let clock = number(hour, 23)? * 3600 + number(minute, 59)? * 60 + number(second, 60)?;
    Some(Stamp::from_s(days * 86_400 + clock).since_s(now))
}

fn first_line(body: &str) -> &str {
    body.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, retry_after: Option<&str>, body: &str) -> Answer {
        let retry_after = retry_after.map(str::to_owned);
        Answer { status, retry_after, location: None, body: body.to_owned() }
    }

    #[test]
    fn each_status_is_a_delivery_or_has_its_kind_of_failure() {
        let now = Stamp(0);
        for status in [200, 201, 202, 204] {
            assert!(answer(status, None, "ok").judge(now).is_ok());
        }
        for (status, permanent) in [
            (301, true),
            (308, true),
            (400, true),
            (401, true),
            (403, true),
            (404, true),
            (408, false),
            (410, true),
            (413, true),
            (422, true),
            (425, false),
            (429, false),
            (500, false),
            (502, false),
            (503, false),
            (599, false),
            (600, true),
            (100, true),
        ] {
            let failure = answer(status, None, "").judge(now).unwrap_err();
            assert_eq!(failure.permanent, permanent, "{status}");
        }
        let failure = answer(404, None, "\r\nno_service\u{1b}[2J\nx").judge(now).unwrap_err();
        assert_eq!(failure.why, "server said 404 no_service\\x1b[2J");
    }

    #[test]
    fn a_wait_that_is_asked_for_is_kept_and_bounded() {
        let now = Stamp::from_s(784_111_777);
        for (header, body, wait) in [
            (Some("7"), "", Some(7)),
            (Some("Sun, 06 Nov 1994 08:49:50 GMT"), "", Some(13)),
            (Some("Sun, 06 Nov 1994 08:00:00 GMT"), "", Some(0)),
            (Some("99999999999"), "", Some(RETRY_AFTER_MAX_S)),
            (Some("-1"), "", None),
            (Some("Sun, 99 Foo 1994 08:49:50 GMT"), "", None),
            (Some("Sun, 06 Nov 99999999999999 08:49:50 GMT"), "", None),
            (None, "{\"retry_after\":1.2,\"global\":false}", Some(2)),
            (None, "{\"ok\":false,\"parameters\":{\"retry_after\":35}}", Some(35)),
            (None, "{\"retry_after\":-5}", Some(0)),
            (None, "{\"retry_after\":1e300}", Some(RETRY_AFTER_MAX_S)),
            (None, "not JSON", None),
        ] {
            let failure = answer(429, header, body).judge(now).unwrap_err();
            assert_eq!(failure.retry_after_s, wait, "{header:?} {body}");
        }
    }
}
