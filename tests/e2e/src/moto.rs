//! moto, a server that behaves as AWS's services, on the server's loopback.
//!
//! It lies where `MONBAN_MOTO` names it, or in a virtual environment below the target folder:
//! `python3 -m venv target/moto` and `target/moto/bin/pip install 'moto[server]'`.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::command::run_within;
use crate::machine::Machine;
use crate::memory::children;
use crate::trouble::{Tried, Trouble};
use crate::waiting::until_true;

/// Where it listens.
const PORT: u16 = 5999;
const START: Duration = Duration::from_secs(90);
const ASKED: Duration = Duration::from_secs(60);

/// Its program, whether it is there or not.
pub fn program() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let usual = || here.ancestors().nth(2).unwrap_or(here).join("target/moto/bin/moto_server");
    std::env::var_os("MONBAN_MOTO").map_or_else(usual, PathBuf::from)
}

/// A running one. It goes with this value.
pub struct Moto<'a> {
    machine: &'a Machine,
    enter: Child,
    /// The key of a user who may do everything.
    pub key_id: String,
    /// Its secret.
    pub secret: String,
}

impl<'a> Moto<'a> {
    /// Starts it.
    pub fn start(machine: &'a Machine) -> Tried<Self> {
        let mut command = machine.command("env");
        // It would compare the signature of a packed body with that of the unpacked one. What it
        // compares is in the tests of the courier.
        command.arg("INITIAL_NO_AUTH_ACTION_COUNT=1000000").arg(program());
        command.args(["-H", "127.0.0.1", "-p", &PORT.to_string()]);
        let (key_id, secret) = ("A".to_owned(), "S".to_owned());
        let enter =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut moto = Self { machine, enter, key_id, secret };
        let connects = format!("echo >/dev/tcp/127.0.0.1/{PORT}");
        until_true("moto listens", START, || {
            Ok(machine.command("bash").args(["-c", &connects]).output()?.status.success())
        })?;
        let made = moto.boto(
            "i = c('iam')\n\
             i.create_user(UserName='u')\n\
             a = {'Effect': 'Allow', 'Action': '*', 'Resource': '*'}\n\
             p = json.dumps({'Version': '2012-10-17', 'Statement': [a]})\n\
             i.put_user_policy(UserName='u', PolicyName='all', PolicyDocument=p)\n\
             k = i.create_access_key(UserName='u')['AccessKey']\n\
             print(k['AccessKeyId'], k['SecretAccessKey'])",
        )?;
        let mut words = made.split_whitespace().map(str::to_owned);
        (moto.key_id, moto.secret) =
            words.next().zip(words.next()).ok_or_else(|| Trouble(format!("moto: {made}")))?;
        Ok(moto)
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{PORT}")
    }

    /// It answers nobody until [`Moto::go_on`].
    pub fn halt(&self) -> Tried<()> {
        self.signal(Signal::STOP)
    }

    /// It answers again.
    pub fn go_on(&self) -> Tried<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Tried<()> {
        let outer = i32::try_from(self.enter.id()).unwrap_or(0);
        let all = children(outer);
        let pid = all.first().copied().and_then(Pid::from_raw);
        Ok(kill_process(pid.ok_or("moto does not run")?, signal)?)
    }

    /// The texts of all events of a group, in the order in which each stream has them.
    pub fn events(&self, group: &str) -> Tried<Vec<String>> {
        let script = format!(
            "l = c('logs')\nout = []\n\
             gs = l.describe_log_groups(logGroupNamePrefix='{group}')['logGroups']\n\
             for g in [g for g in gs if g['logGroupName'] == '{group}']:\n \
              for s in l.describe_log_streams(logGroupName='{group}')['logStreams']:\n  \
               t = None\n  \
               while True:\n   \
                k = {{'nextToken': t}} if t else {{}}\n   \
                r = l.get_log_events(logGroupName='{group}', logStreamName=s['logStreamName'], \
                startFromHead=True, limit=10000, **k)\n   \
                out += [e['message'] for e in r['events']]\n   \
                if r['nextForwardToken'] == t or not r['events']: break\n   \
                t = r['nextForwardToken']\n\
             print(json.dumps(out))"
        );
        let said = self.boto(&script)?;
        serde_json::from_str(&said).map_err(|error| Trouble(format!("moto: {error}: {said}")))
    }

    /// What boto3, AWS's own client, says to a script in which `c` makes a client.
    pub fn boto(&self, script: &str) -> Tried<String> {
        let head = format!(
            "import boto3, json\ndef c(n): return boto3.client(n, region_name='ap-northeast-1', \
             endpoint_url='{}', aws_access_key_id='{}', aws_secret_access_key='{}')\n",
            self.url(),
            self.key_id,
            self.secret
        );
        let python = program().with_file_name("python3");
        let mut command = self.machine.command(python);
        command.arg("-c").arg(head + script);
        Ok(run_within(&mut command, ASKED)?.good()?.out)
    }
}

impl Drop for Moto<'_> {
    fn drop(&mut self) {
        let _ = self.signal(Signal::KILL);
        // nsenter stops with what it started, and does not go on with it.
        let _ = self.enter.kill();
        let _ = self.enter.wait();
    }
}
