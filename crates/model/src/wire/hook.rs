//! How the hook in PAM stands, as the warden's program found it.

use super::{FrameError, Reader, Wire, Writer};
use crate::limits::{HOOK_FLAWS_MAX, HOOK_SERVICES_MAX, PAM_NAME_MAX};
use crate::{Notice, Severity};

/// How the hook in PAM stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookState {
    /// Whether it was put in: only then its absence means anything.
    pub is_installed: bool,
    /// The services of PAM whose sessions it tells of; at most [`HOOK_SERVICES_MAX`].
    pub services: Vec<String>,
    /// What is wrong with it; at most [`HOOK_FLAWS_MAX`].
    pub flaws: Vec<HookFlaw>,
}

/// Something that is wrong with the hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookFlaw {
    /// How urgent it is.
    pub severity: Severity,
    /// The service of PAM that it is about, or `pam`.
    pub service: String,
    /// What it is: the key of its text, and its values.
    pub told: Notice,
}

impl Wire for HookState {
    fn put(&self, out: &mut Writer) {
        self.is_installed.put(out);
        let services = &self.services[..self.services.len().min(HOOK_SERVICES_MAX)];
        (services.len() as u32).put(out);
        services.iter().for_each(|service| out.text(service, PAM_NAME_MAX));
        out.list(&self.flaws[..self.flaws.len().min(HOOK_FLAWS_MAX)]);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let is_installed = bool::take(from)?;
        let count = u32::take(from)? as usize;
        if count > HOOK_SERVICES_MAX {
            return Err(FrameError::Limit);
        }
        let services = (0..count).map(|_| from.text(PAM_NAME_MAX)).collect::<Result<_, _>>()?;
        Ok(Self { is_installed, services, flaws: from.list(HOOK_FLAWS_MAX)? })
    }
}

impl Wire for HookFlaw {
    fn put(&self, out: &mut Writer) {
        out.byte(self.severity as u8);
        out.text(&self.service, PAM_NAME_MAX);
        self.told.put(out);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let place = usize::from(from.byte()?);
        let severity = Severity::ALL.get(place).copied().ok_or(FrameError::Unknown)?;
        Ok(Self { severity, service: from.text(PAM_NAME_MAX)?, told: Notice::take(from)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{decode, encode};

    #[test]
    fn a_state_comes_back_and_a_large_one_is_cut() {
        let flaw = |number: usize| HookFlaw {
            severity: Severity::Critical,
            service: format!("sshd{number}"),
            told: Notice {
                key: "pam-gone".to_owned(),
                values: vec![("line".to_owned(), "session".to_owned())],
            },
        };
        let state = HookState {
            is_installed: true,
            services: vec!["sshd".to_owned(), "su".to_owned()],
            flaws: vec![flaw(0), flaw(1)],
        };
        assert_eq!(decode::<HookState>(&encode(&state)).as_ref(), Ok(&state));
        let large = HookState {
            services: vec!["x".to_owned(); 1000],
            flaws: (0..1000).map(flaw).collect(),
            ..state
        };
        let back = decode::<HookState>(&encode(&large)).unwrap();
        assert_eq!((back.services.len(), back.flaws.len()), (HOOK_SERVICES_MAX, HOOK_FLAWS_MAX));
    }
}
