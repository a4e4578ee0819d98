//! The signature of a web hook, by which its receiver knows that it is of this monban and not old.

use monban_model::Stamp;
use ring::hmac::{HMAC_SHA256, Key, sign};

use crate::shape::hex;

/// The value of `X-Monban-Signature`: `t=UNIX,v1=HEX`, where HEX is HMAC-SHA256 with the shared key
/// over `UNIX.BODY`, the bytes of the body as they are sent. A receiver works it out for itself,
/// compares in constant time, and refuses what is older than a few minutes.
pub(super) fn signature(key: &str, body: &[u8], now: Stamp) -> String {
    let time = now.as_s();
    let mut signed = format!("{time}.").into_bytes();
    signed.extend_from_slice(body);
    let tag = sign(&Key::new(HMAC_SHA256, key.as_bytes()), &signed);
    format!("t={time},v1={}", hex(tag.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_what_others_work_out() {
        // printf '1795325581.{"a":1}' | openssl dgst -sha256 -hmac s3cret
        assert_eq!(
            signature("s3cret", b"{\"a\":1}", Stamp(1_795_325_581_900)),
            "t=1795325581,v1=22ca5efe7eb4f808e8e3740f3b246cb953ddea912d6799f979001da6f39d7772"
        );
    }
}
