//! Whether sshd asks PAM at all, and under which service's name.
//!
//! `sshd -T` says what counts; the text of its configuration says where that stands, and what
//! `Match` blocks change. `UsePAM` may not stand in one (sshd_config(5)), `PAMServiceName`, of
//! OpenSSH 9.8 and later, may.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use monban_model::limits::{PAM_FILES_MAX, PAM_INCLUDES_MAX};
use monban_model::{Address, Severity};

use super::finding::Finding;
use super::stack::read_text;

/// How long `sshd -T` may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// What is read of its output, in bytes.
const OUTPUT_MAX: u64 = 256 * 1024;
/// What is read of its complaint, in bytes.
const ERRORS_MAX: u64 = 1024;
/// Where relative names of `Include` are looked for.
const FOLDER: &str = "/etc/ssh";

/// The program, where it usually is.
pub const PROGRAM: &str = "/usr/sbin/sshd";
/// Its configuration, where it usually is.
pub const CONFIG: &str = "/etc/ssh/sshd_config";

/// The codes of what is found here.
pub const CODES: &[&str] =
    &["sshd-unread", "usepam-no", "usepam-unset", "usepam-in-match", "other-service"];

/// The sshd of a machine.
#[derive(Clone, Debug)]
pub struct Sshd {
    /// The program.
    pub program: PathBuf,
    /// Its configuration; it is named to the program only if somebody named it.
    pub config: PathBuf,
    pub is_config_named: bool,
}

/// One line of its configuration that matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Setting {
    file: PathBuf,
    line: u32,
    key: String,
    value: String,
    in_match: bool,
}

impl Sshd {
    /// What of its configuration keeps the hook of the service `sshd` from being called.
    pub fn findings(&self) -> Vec<Finding> {
        let mut settings = Vec::new();
        scan(&self.config, false, &mut Vec::new(), &mut 0, &mut settings);
        let effective = self.effective(&[]).map(|text| text.to_ascii_lowercase());
        let mut findings = Vec::new();
        if let Err(why) = &effective {
            let program = self.program.display().to_string();
            let finding = Finding::of("sshd-unread", Severity::Info, &self.config);
            findings.push(finding.with("program", program).with("error", why));
        }
        let first = |key: &str| settings.iter().find(|one| one.key == key && !one.in_match);
        let written = first("usepam");
        let value = |key: &str| {
            let lines = effective.as_ref().ok()?.lines();
            lines.filter_map(|line| line.split_once(' ')).find(|(name, _)| *name == key)
        };
        // Unset it is `no`: the default of OpenSSH itself, which distributions set in their file.
        let uses_pam = match (value("usepam"), written) {
            (Some((_, value)), _) => value.trim() == "yes",
            (None, Some(written)) => written.value.eq_ignore_ascii_case("yes"),
            (None, None) => false,
        };
        match written {
            _ if uses_pam => {}
            Some(one) if one.value.eq_ignore_ascii_case("no") => {
                let found = Finding::of("usepam-no", Severity::Critical, &one.file);
                findings.push(found.at(one.line));
            }
            _ => findings.push(Finding::of("usepam-unset", Severity::Critical, &self.config)),
        }
        for one in settings.iter().filter(|one| one.key == "usepam" && one.in_match) {
            let found = Finding::of("usepam-in-match", Severity::Warning, &one.file);
            findings.push(found.at(one.line));
        }
        findings.extend(self.other_names(&settings, value("pamservicename").map(|(_, name)| name)));
        findings
    }

    /// The files that its configuration is read from, as far as they are known by their names.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = vec![self.config.clone(), self.program.clone()];
        if !self.is_config_named {
            files.push(Path::new(FOLDER).join("sshd_config.d"));
            files.extend(included("sshd_config.d/*.conf"));
        }
        files
    }

    /// The files with the keys of an account that comes from an address (`AuthorizedKeysFile`).
    /// `None` if it does not say.
    pub fn key_files(&self, user: &str, address: Option<Address>) -> Option<Vec<String>> {
        let from = address.map_or_else(|| "127.0.0.1".to_owned(), |address| address.to_string());
        // All that a Match block may ask for; some versions give up if a part is missing.
        let whom = format!("user={user},host={from},addr={from},laddr=127.0.0.1,lport=22");
        let said = self.effective(&["-C", &whom]).or_else(|_| self.effective(&[])).ok()?;
        let value = said.lines().find_map(|line| line.strip_prefix("authorizedkeysfile "))?;
        Some(value.split_ascii_whitespace().map(str::to_owned).collect())
    }

    /// Names of other services that sshd tells PAM.
    fn other_names(&self, settings: &[Setting], effective: Option<&str>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let of = |file: &Path, name: &str| {
            Finding::of("other-service", Severity::Warning, file).with("name", name)
        };
        for one in settings.iter().filter(|one| one.key == "pamservicename") {
            if one.value != "sshd" {
                findings.push(of(&one.file, &one.value).at(one.line));
            }
        }
        match effective.map(str::trim) {
            Some(name) if name != "sshd" && findings.is_empty() => {
                findings.push(of(&self.config, name));
            }
            _ => {}
        }
        findings
    }

    /// What `sshd -T`, with more arguments, prints, or why it does not. It writes nothing but a
    /// line of trouble to standard error, so that is read after its end.
    fn effective(&self, more: &[&str]) -> Result<String, String> {
        let mut command = Command::new(&self.program);
        command.arg("-T").args(more).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        if self.is_config_named {
            command.arg("-f").arg(&self.config);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let (output, errors) = (child.stdout.take(), child.stderr.take());
        let reading = thread::Builder::new().spawn(move || text(output, OUTPUT_MAX));
        let reader = match reading {
            Ok(reader) => reader,
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(error.to_string());
            }
        };
        let end = Instant::now() + PATIENCE;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(5)),
                _ => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err("no answer within 5 s".to_owned());
                }
            }
        };
        if !status.success() {
            let said = text(errors, ERRORS_MAX);
            let line = said.lines().next().map(|line| line.trim().to_owned());
            return Err(line.unwrap_or_else(|| status.to_string()));
        }
        Ok(reader.join().unwrap_or_default())
    }
}

fn text(from: Option<impl Read>, limit: u64) -> String {
    let mut bytes = Vec::new();
    // What was read before an error is all that there is.
    let _ = from.map(|from| from.take(limit).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The settings of a file with what it includes, in their order: of each the first counts.
fn scan(
    path: &Path,
    in_match: bool,
    open: &mut Vec<PathBuf>,
    files: &mut usize,
    into: &mut Vec<Setting>,
) {
    *files += 1;
    if open.len() >= PAM_INCLUDES_MAX || *files > PAM_FILES_MAX || open.iter().any(|p| p == path) {
        return;
    }
    let Ok(text) = read_text(path) else { return };
    open.push(path.to_owned());
    // A block of an included file ends with it; that of the including one goes on.
    let mut in_match = in_match;
    for (line, text) in (1..).zip(text.lines()) {
        let Some((key, value)) = setting(text) else { continue };
        match key.as_str() {
            "match" => in_match = !value.eq_ignore_ascii_case("all"),
            "include" => {
                for pattern in value.split_ascii_whitespace() {
                    for file in included(pattern.trim_matches('"')) {
                        scan(&file, in_match, open, files, into);
                    }
                }
            }
            "usepam" | "pamservicename" => {
                into.push(Setting { file: path.to_owned(), line, key, value, in_match });
            }
            _ => {}
        }
    }
    open.pop();
}

/// A line as `KEY VALUE` or `KEY=VALUE`, the key in lower case.
fn setting(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (key, value) = line.split_once([' ', '\t', '='])?;
    let value = value.trim_start_matches([' ', '\t', '=']);
    let value = value.split(" #").next().unwrap_or_default().trim();
    Some((key.to_ascii_lowercase(), value.trim_matches('"').to_owned()))
}

fn included(pattern: &str) -> Vec<PathBuf> {
    let pattern = Path::new(FOLDER).join(pattern);
    let found = glob::glob(&pattern.to_string_lossy());
    found.map(|paths| paths.flatten().take(PAM_FILES_MAX).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    /// The codes that are found, with their lines, where `sshd -T` says this.
    fn codes(config: &str, effective: Option<&str>) -> Vec<(&'static str, u32)> {
        let folder = tempfile::tempdir().unwrap();
        let (file, program) = (folder.path().join("sshd_config"), folder.path().join("sshd"));
        fs::write(folder.path().join("more.conf"), "Match User x\nPAMServiceName other\n").unwrap();
        let config = config.replace("DIR", folder.path().to_str().unwrap());
        fs::write(&file, config).unwrap();
        let script = match effective {
            Some(text) => format!("#!/bin/sh\n[ \"$1$2\" = -T-f ] && printf '%s\\n' '{text}'\n"),
            None => "#!/bin/sh\nexit 255\n".to_owned(),
        };
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        // Another test may be starting a process just now that still holds the script open.
        let busy = || {
            Command::new(&program)
                .status()
                .is_err_and(|error| error.kind() == std::io::ErrorKind::ExecutableFileBusy)
        };
        while busy() {
            thread::sleep(Duration::from_millis(1));
        }
        let sshd = Sshd { program, config: file, is_config_named: true };
        sshd.findings().iter().map(|found| (found.code, found.line)).collect()
    }

    #[test]
    fn what_sshd_says_counts_and_the_file_says_where() {
        for (config, effective, expected) in [
            ("# ...\nUsePAM yes\n", "usepam yes", vec![]),
            ("UsePAM no\n", "usepam no", vec![("usepam-no", 1)]),
            ("#UsePAM yes\n", "usepam no", vec![("usepam-unset", 0)]),
            // Patched to say yes by itself.
            ("", "usepam yes", vec![]),
            ("usepam=YES\nUsePAM no\n", "usepam yes", vec![]),
            ("UsePAM yes\nMatch User a\n UsePAM no\n", "usepam yes", vec![("usepam-in-match", 3)]),
            ("UsePAM yes\nMatch all\nUsePAM no\n", "usepam yes", vec![]),
            ("UsePAM yes\nInclude DIR/more.c*\n", "usepam yes", vec![("other-service", 2)]),
            ("UsePAM yes\n", "usepam yes\npamservicename x", vec![("other-service", 0)]),
            ("UsePAM yes\n", "usepam yes\npamservicename sshd", vec![]),
        ] {
            assert_eq!(codes(config, Some(effective)), expected, "{config}");
        }
    }

    #[test]
    fn it_says_which_files_have_the_keys_of_an_account() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("sshd");
        let script = "#!/bin/sh\n[ \"$2\" = -C ] || exit 255\n\
            echo 'port 22'; echo \"authorizedkeysfile %h/A ${3%%,laddr*}\"\n";
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        while Command::new(&program).status().is_err() {
            thread::sleep(Duration::from_millis(1));
        }
        let config = folder.path().join("none");
        let sshd = Sshd { program, config: config.clone(), is_config_named: false };
        let found = sshd.key_files("alice", "192.0.2.1".parse().ok());
        let whom = "user=alice,host=192.0.2.1,addr=192.0.2.1";
        assert_eq!(found, Some(vec!["%h/A".to_owned(), whom.to_owned()]));
        let sshd = Sshd { program: config.clone(), config, is_config_named: false };
        assert_eq!(sshd.key_files("alice", None), None);
    }

    #[test]
    fn without_its_word_the_file_is_read() {
        let unread = ("sshd-unread", 0);
        assert_eq!(codes("UsePAM yes\n", None), [unread]);
        assert_eq!(codes("UsePAM no # x\n", None), [unread, ("usepam-no", 1)]);
        assert_eq!(codes("", None), [unread, ("usepam-unset", 0)]);
        assert_eq!(codes("Include DIR/sshd_config\n", None), [unread, ("usepam-unset", 0)]);
    }
}
