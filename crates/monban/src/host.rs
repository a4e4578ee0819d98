//! The name of this host, one way for all that names it.

/// Its name as the kernel has it, made fit for addresses and headers of mails.
pub fn full_name() -> String {
    fit(&rustix::system::uname().nodename().to_string_lossy())
}

/// The first part of it, which is what people call the host: a phone shows few letters.
pub fn short_name() -> String {
    let full = full_name();
    full.split('.').next().unwrap_or_default().to_owned()
}

/// Who writes mail where nobody else is named: monban on this host.
pub fn mail_address() -> String {
    format!("monban@{}", full_name())
}

fn fit(name: &str) -> String {
    let name = name.trim_matches('.').to_ascii_lowercase();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    match name.is_empty() {
        true => "localhost".to_owned(),
        false => name.chars().map(plain).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_into_a_mail_address() {
        for (name, fits) in [
            ("web1", "web1"),
            ("Web1.Example.COM", "web1.example.com"),
            ("my_host", "my-host"),
            ("門\r\nBcc: x@example.com", "---bcc--x-example.com"),
            ("", "localhost"),
            (".", "localhost"),
        ] {
            assert_eq!(fit(name), fits, "{name}");
        }
    }
}
