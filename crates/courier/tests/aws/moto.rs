//! Against moto's server. It runs where `MONBAN_MOTO` names its program, or where one lies in a
//! virtual environment below the target folder: `python3 -m venv target/moto` and
//! `target/moto/bin/pip install 'moto[server]'`.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use monban_courier::aws::{
    AlarmMessage, Cause, Client, Datum, Holder, Metric, Patience, Statistic, Topic, Trigger, Value,
};

use crate::{event, holder_of, now, stream};

struct Moto {
    child: Child,
    url: String,
    python: PathBuf,
    /// Of a user who may do everything: moto compares each signature with its own.
    id: String,
    secret: String,
}

impl Moto {
    /// `None` where it is not installed. A `strict` one compares signatures with its own.
    fn start(strict: bool) -> Option<Self> {
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let usual = here.join("../../target/moto/bin/moto_server");
        let program = std::env::var_os("MONBAN_MOTO").map_or(usual, PathBuf::from);
        if !program.exists() {
            println!("left out: {} is missing (pip install 'moto[server]')", program.display());
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = Stdio::null;
        let child = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            // Three calls make the user; from then on all have to be signed by one.
            .env("INITIAL_NO_AUTH_ACTION_COUNT", if strict { "3" } else { "1000000" })
            .stdout(log())
            .stderr(log())
            .spawn()
            .unwrap();
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(60), "moto does not listen");
            std::thread::sleep(Duration::from_millis(100));
        }
        let python = program.with_file_name("python3");
        let url = format!("http://127.0.0.1:{port}");
        let mut moto = Self { child, url, python, id: "A".to_owned(), secret: "S".to_owned() };
        let user = moto.boto(
            "i = c('iam')\n\
             i.create_user(UserName='u')\n\
             a = {'Effect': 'Allow', 'Action': '*', 'Resource': '*'}\n\
             p = json.dumps({'Version': '2012-10-17', 'Statement': [a]})\n\
             i.put_user_policy(UserName='u', PolicyName='all', PolicyDocument=p)\n\
             k = i.create_access_key(UserName='u')['AccessKey']\n\
             print(json.dumps([k['AccessKeyId'], k['SecretAccessKey']]))",
        );
        (moto.id, moto.secret) = read(&user);
        Some(moto)
    }

    fn holder(&self) -> Holder {
        holder_of(&self.id, &self.secret)
    }

    /// What boto3, AWS's own client, finds there.
    fn boto(&self, script: &str) -> String {
        let head = format!(
            "import boto3, json\ndef c(n): return boto3.client(n, region_name='ap-northeast-1', \
             endpoint_url='{}', aws_access_key_id='{}', aws_secret_access_key='{}')\n",
            self.url, self.id, self.secret
        );
        let output = Command::new(&self.python).arg("-c").arg(head + script).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn moto_takes_logs_metrics_and_messages() {
    let Some(moto) = Moto::start(true) else { return };
    let patience = Patience { connect_ms: 5000, all_ms: 60_000 };
    let client = Client::new("ap-northeast-1", Some(&moto.url), patience).unwrap();
    logs(&moto, &client);
    metrics(&moto, &client);
    messages(&moto, &client);
    wrong_keys(&moto, &client);
}

/// moto compares the signature with that of the unpacked body, AWS with that of what is sent.
#[test]
fn moto_takes_packed_logs() {
    let Some(moto) = Moto::start(false) else { return };
    let patience = Patience { connect_ms: 5000, all_ms: 60_000 };
    let client = Client::new("ap-northeast-1", Some(&moto.url), patience).unwrap();
    let now = now();
    let many: Vec<_> = (0..2000).map(|n| event(now, &format!("{n} 門番"))).collect();
    let found = client.put_log_events(&stream(true), &many, &mut moto.holder(), now).unwrap();
    assert_eq!((found.taken, found.too_old, found.too_new), (2000, 0, 0));
    let told = moto.boto(
        "e = c('logs').get_log_events(logGroupName='/var/log/secure', logStreamName='web1', \
         limit=10000, startFromHead=True)['events']\n\
         print(json.dumps([len(e), e[1999]['message']]))",
    );
    assert_eq!(read::<(u32, String)>(&told), (2000, "1999 門番".to_owned()));
}

fn wrong_keys(moto: &Moto, client: &Client) {
    let put = |mut holder| {
        let events = [event(now(), "a")];
        client.put_log_events(&stream(false), &events, &mut holder, now()).map(|_| ())
    };
    assert_eq!(put(moto.holder()), Ok(()));
    let fault = put(holder_of(&moto.id, "wrong")).unwrap_err();
    assert_eq!((fault.cause, fault.transient), (Cause::Credentials, false), "{fault}");
    let fault = put(holder_of("AKIANOBODY", &moto.secret)).unwrap_err();
    assert_eq!((fault.cause, fault.transient), (Cause::Credentials, false), "{fault}");
}

fn logs(moto: &Moto, client: &Client) {
    let now = now();
    let line = "sshd[24078]: Connection closed by 10.0.0.167 [preauth] 門番 \"\\\u{1b}";
    // The group and the stream are missing.
    let events = [event(now.minus_s(15 * 86_400), "old"), event(now, line), event(now, "b")];
    let found = client.put_log_events(&stream(false), &events, &mut moto.holder(), now).unwrap();
    // moto names the last that is too old, AWS the one behind it: at most one less is counted.
    assert!(found.taken >= 2 && found.too_old <= 1 && found.too_new == 0, "{found:?}");
    let told = moto.boto(
        "l = c('logs')\n\
         g = l.describe_log_groups()['logGroups'][0]\n\
         e = l.get_log_events(logGroupName='/var/log/secure', logStreamName='web1', \
         limit=10000, startFromHead=True)['events']\n\
         print(json.dumps([g['logGroupName'], g['retentionInDays'], len(e), e[0]['message']]))",
    );
    let told: (String, u32, u32, String) = read(&told);
    assert_eq!(told, ("/var/log/secure".to_owned(), 7, 2, line.to_owned()));
}

fn metrics(moto: &Moto, client: &Client) {
    let now = now();
    let datum = |value| Datum {
        name: "preauth".to_owned(),
        dimensions: vec![("host".to_owned(), "web 1+".to_owned())],
        time: now,
        value,
        unit: Some("Count".to_owned()),
        each_second: false,
    };
    let set = Value::Set { count: 2.0, sum: 5.0, least: 2.0, most: 3.0 };
    let mut data = vec![datum(Value::One(1.0)), datum(set)];
    data.extend(std::iter::repeat_n(datum(Value::One(0.5)), 1200));
    let put = client.put_metric_data("monban", &data, &mut moto.holder(), now).unwrap();
    assert_eq!(put.taken, 1202);
    let told = moto.boto(
        "import datetime as d\n\
         n = d.datetime.now(d.timezone.utc)\n\
         s = c('cloudwatch').list_metrics(Namespace='monban')['Metrics'][0]\n\
         print(json.dumps([s['MetricName'], s['Dimensions'][0]['Value']]))",
    );
    assert_eq!(told, "[\"preauth\", \"web 1+\"]");
    let fault = client.put_metric_data("AWS/EC2", &data, &mut moto.holder(), now).unwrap_err();
    assert_eq!((fault.fault.cause, fault.done), (Cause::Invalid, 0));
}

fn messages(moto: &Moto, client: &Client) {
    let arn = moto.boto(
        "s = c('sns'); q = c('sqs')\n\
         t = s.create_topic(Name='ops')['TopicArn']\n\
         u = q.create_queue(QueueName='q')['QueueUrl']\n\
         a = q.get_queue_attributes(QueueUrl=u, AttributeNames=['QueueArn'])['Attributes']\n\
         s.subscribe(TopicArn=t, Protocol='sqs', Endpoint=a['QueueArn'])\n\
         print(t)",
    );
    let topic = Topic::parse(&arn).unwrap();
    client.check_topic(&topic, &mut moto.holder(), now()).unwrap();
    let other = Topic::parse(&arn.replace(":ops", ":nobody")).unwrap();
    let fault = client.check_topic(&other, &mut moto.holder(), now()).unwrap_err();
    assert_eq!(fault.cause, Cause::Missing, "{fault}");
    let message = alarm().message("alarm".to_owned(), "It went off.".to_owned());
    let id = client.publish(&topic, &message, &mut moto.holder(), now()).unwrap();
    assert_eq!(id.len(), 36, "{id}");
    let told = moto.boto(
        "q = c('sqs')\n\
         u = q.get_queue_url(QueueName='q')['QueueUrl']\n\
         m = json.loads(q.receive_message(QueueUrl=u)['Messages'][0]['Body'])\n\
         print(json.dumps([m['Subject'], json.loads(m['Message'])['AlarmName']]))",
    );
    let told: (String, String) = read(&told);
    assert_eq!(told.0, "ALARM: \"_SSH_\" in Asia Pacific (Tokyo)");
    assert_eq!(told.1, alarm().name);
}

fn read<T: serde::de::DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap()
}

fn alarm() -> AlarmMessage {
    AlarmMessage {
        id: "1".to_owned(),
        name: "変なSSHアクセスがありましたよ。".to_owned(),
        description: Some("\"[preauth]\" & more".to_owned()),
        account: "123456789012".to_owned(),
        region: "ap-northeast-1".to_owned(),
        configured: now(),
        old_state: "INSUFFICIENT_DATA".to_owned(),
        new_state: "ALARM".to_owned(),
        reason: "Threshold Crossed".to_owned(),
        time: now(),
        contributor: None,
        actions: [vec![], vec![], vec![]],
        trigger: Trigger::Metric(Metric {
            name: "preauth".to_owned(),
            namespace: "LogMetrics".to_owned(),
            statistic: Statistic::Plain("SUM".to_owned()),
            unit: None,
            dimensions: vec![],
            period_s: 60,
            evaluation_periods: 1,
            datapoints_to_alarm: Some(1),
            comparison: "GreaterThanOrEqualToThreshold".to_owned(),
            threshold: 1.0,
            missing_data: "missing".to_owned(),
        }),
    }
}
