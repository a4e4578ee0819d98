//! Who an address is, as a frame.

use super::{FrameError, Reader, Wire, Writer};
use crate::limits::{WHO_CONTACTS_MAX, WHO_TEXT_MAX};
use crate::{AbuseFrom, Address, Asn, Country, Registry, Span, Special, Who, WhoAnswer};

impl Wire for WhoAnswer {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Known(who) => {
                out.byte(1);
                who.put(out);
            }
            Self::NotPublic(special) => {
                out.byte(2);
                put_one(out, &Special::ALL, *special);
            }
            Self::Failed(why) => {
                out.byte(3);
                out.text(why, WHO_TEXT_MAX);
            }
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match from.byte()? {
            1 => Self::Known(Box::new(Who::take(from)?)),
            2 => Self::NotPublic(take_one(from, &Special::ALL)?),
            3 => Self::Failed(from.text(WHO_TEXT_MAX)?),
            _ => return Err(FrameError::Unknown),
        })
    }
}

impl Wire for Who {
    fn put(&self, out: &mut Writer) {
        self.address.put(out);
        out.text(&self.name, WHO_TEXT_MAX);
        self.name_confirmed.put(out);
        self.net.put(out);
        out.text(&self.netname, WHO_TEXT_MAX);
        out.text(&self.org, WHO_TEXT_MAX);
        self.country.put(out);
        self.asn.map(|asn| asn.0).put(out);
        out.text(&self.as_name, WHO_TEXT_MAX);
        self.route.put(out);
        let abuse = &self.abuse[..self.abuse.len().min(WHO_CONTACTS_MAX)];
        out.byte(abuse.len() as u8);
        abuse.iter().for_each(|contact| out.text(contact, WHO_TEXT_MAX));
        put_maybe(out, &AbuseFrom::ALL, self.abuse_from);
        put_maybe(out, &Registry::ALL, self.registry);
        out.text(&self.source, WHO_TEXT_MAX);
        self.looked_up.put(out);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Self {
            address: Address::take(from)?,
            name: from.text(WHO_TEXT_MAX)?,
            name_confirmed: bool::take(from)?,
            net: Wire::take(from)?,
            netname: from.text(WHO_TEXT_MAX)?,
            org: from.text(WHO_TEXT_MAX)?,
            country: Wire::take(from)?,
            asn: <Option<u32> as Wire>::take(from)?.map(Asn),
            as_name: from.text(WHO_TEXT_MAX)?,
            route: Wire::take(from)?,
            abuse: take_contacts(from)?,
            abuse_from: take_maybe(from, &AbuseFrom::ALL)?,
            registry: take_maybe(from, &Registry::ALL)?,
            source: from.text(WHO_TEXT_MAX)?,
            looked_up: Wire::take(from)?,
        })
    }
}

impl Wire for Span {
    fn put(&self, out: &mut Writer) {
        self.first().put(out);
        self.last().put(out);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let (first, last) = (Address::take(from)?, Address::take(from)?);
        Self::new(first, last).ok_or(FrameError::Unknown)
    }
}

impl Wire for Country {
    fn put(&self, out: &mut Writer) {
        out.text(self.code(), 2);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        from.text(2)?.parse().map_err(|_| FrameError::Unknown)
    }
}

fn take_contacts(from: &mut Reader<'_>) -> Result<Vec<String>, FrameError> {
    let count = usize::from(from.byte()?);
    if count > WHO_CONTACTS_MAX {
        return Err(FrameError::Limit);
    }
    (0..count).map(|_| from.text(WHO_TEXT_MAX)).collect()
}

/// One of a list, by its place.
fn put_one<T: PartialEq>(out: &mut Writer, all: &[T], one: T) {
    out.byte(all.iter().position(|known| *known == one).unwrap_or(all.len()) as u8);
}

fn take_one<T: Copy>(from: &mut Reader<'_>, all: &[T]) -> Result<T, FrameError> {
    all.get(usize::from(from.byte()?)).copied().ok_or(FrameError::Unknown)
}

fn put_maybe<T: PartialEq>(out: &mut Writer, all: &[T], one: Option<T>) {
    one.is_some().put(out);
    if let Some(one) = one {
        put_one(out, all, one);
    }
}

fn take_maybe<T: Copy>(from: &mut Reader<'_>, all: &[T]) -> Result<Option<T>, FrameError> {
    Ok(if bool::take(from)? { Some(take_one(from, all)?) } else { None })
}

#[cfg(test)]
mod tests {
    use super::super::{decode, encode};
    use super::*;
    use crate::Stamp;

    fn who() -> Who {
        Who {
            name: "host.example".into(),
            name_confirmed: true,
            net: Span::new("192.0.2.0".parse().unwrap(), "192.0.2.99".parse().unwrap()),
            netname: "TEST".into(),
            org: "門番".into(),
            country: Some(Country::JP),
            asn: Some(Asn(64496)),
            as_name: "EXAMPLE".into(),
            route: Some("192.0.2.0/24".parse().unwrap()),
            abuse: vec!["abuse@example.net".into(), "noc@example.net".into()],
            abuse_from: Some(AbuseFrom::Comment),
            registry: Some(Registry::Jpnic),
            source: "whois.example".into(),
            ..Who::nothing("192.0.2.1".parse().unwrap(), Stamp(7))
        }
    }

    #[test]
    fn answers_survive_the_way_and_hostile_ones_are_refused() {
        let nothing = Who::nothing("2001:db8::1".parse().unwrap(), Stamp(-1));
        let mut answers = vec![WhoAnswer::Known(Box::new(who()))];
        answers.push(WhoAnswer::Known(Box::new(nothing)));
        answers.push(WhoAnswer::Failed("no answer".into()));
        answers.extend(Special::ALL.map(WhoAnswer::NotPublic));
        for answer in answers {
            let bytes = encode(&answer);
            assert_eq!(decode::<WhoAnswer>(&bytes).as_ref(), Ok(&answer));
            for cut in 0..bytes.len() {
                assert!(decode::<WhoAnswer>(&bytes[..cut]).is_err(), "cut at {cut}: {answer:?}");
            }
        }
    }

    #[test]
    fn long_texts_and_many_contacts_are_cut_by_the_sender() {
        let long = Who {
            org: "é".repeat(WHO_TEXT_MAX),
            abuse: vec!["a@example.net".into(); 300],
            ..who()
        };
        let read: Who = decode(&encode(&long)).unwrap();
        assert!(read.org.len() <= WHO_TEXT_MAX && read.org.starts_with('é'));
        assert_eq!(read.abuse.len(), WHO_CONTACTS_MAX);
    }
}
