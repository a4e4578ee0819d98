//! The least rights that are needed for what is configured.

use monban_courier::aws::{Topic, partition};
use monban_model::{AWS_STREAM_HOLES, Aws, AwsLogs};
use serde_json::{Value, json};

/// An IAM policy as JSON, for these topics of SNS besides. The account is not known here, so it is
/// `*` in each ARN: a role can do nothing in another account by itself.
pub fn policy(aws: &Aws, topics: &[Topic]) -> Value {
    let region = aws.region.as_deref().unwrap_or("*");
    let partition = partition(region);
    let group = |name: &str| format!("arn:{partition}:logs:{region}:*:log-group:{name}");
    let mut statements = Vec::new();
    let mut allow = |id: &str, actions: &[&str], mut resources: Vec<String>| {
        resources.sort();
        resources.dedup();
        if !resources.is_empty() {
            let (effect, action) = ("Allow", actions);
            statements.push(
                json!({"Sid": id, "Effect": effect, "Action": action, "Resource": resources}),
            );
        }
    };
    // Making a group or stream is looked at with the group's ARN, with and without `:*`.
    let both = |name: &String| [group(name), format!("{}:*", group(name))];
    let groups = aws.logs.iter().flat_map(|logs| both(&logs.group));
    allow("MakeLogs", &["logs:CreateLogGroup", "logs:CreateLogStream"], groups.collect());
    let kept = aws.logs.iter().filter(|logs| logs.retention_days.is_some());
    let kept = kept.flat_map(|logs| both(&logs.group));
    allow("KeepLogs", &["logs:PutRetentionPolicy"], kept.collect());
    // Each host has a stream of its own where its name stands in it.
    let stream = |logs: &AwsLogs| with_stars(&logs.stream);
    let streams =
        aws.logs.iter().map(|logs| format!("{}:log-stream:{}", group(&logs.group), stream(logs)));
    allow("SendLogs", &["logs:PutLogEvents"], streams.collect());
    let topics = topics.iter().map(|topic| topic.arn.clone());
    allow("SendMessages", &["sns:Publish", "sns:GetTopicAttributes"], topics.collect());
    let mut names: Vec<&str> = aws.metrics.iter().map(|one| one.namespace.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if !names.is_empty() {
        // Metrics have no ARN; their namespace is a condition.
        statements.push(json!({
            "Sid": "SendMetrics",
            "Effect": "Allow",
            "Action": ["cloudwatch:PutMetricData"],
            "Resource": "*",
            "Condition": {"StringEquals": {"cloudwatch:namespace": names}},
        }));
    }
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// The name of a stream with `*` for each value that is put in.
fn with_stars(stream: &str) -> String {
    AWS_STREAM_HOLES
        .iter()
        .fold(stream.to_owned(), |name, hole| name.replace(&format!("{{{hole}}}"), "*"))
}

#[cfg(test)]
mod tests {
    use monban_config::Config;

    use super::*;

    #[test]
    fn a_policy_allows_what_is_configured_and_no_more() {
        let text = "[aws]\nregion = \"ap-northeast-1\"\n\
            [[aws.logs]]\nfiles = [\"/var/log/secure\"]\ngroup = \"/var/log/secure\"\n\
            stream = \"{instance_id}\"\n[[aws.metrics]]\nnamespace = \"monban\"\n";
        let aws = Config::parse("m", text).unwrap().aws;
        let arn = "arn:aws:sns:ap-northeast-1:123456789012:ops";
        let group = "arn:aws:logs:ap-northeast-1:*:log-group:/var/log/secure";
        let expected = json!({"Version": "2012-10-17", "Statement": [
            {
                "Sid": "MakeLogs",
                "Effect": "Allow",
                "Action": ["logs:CreateLogGroup", "logs:CreateLogStream"],
                "Resource": [group, format!("{group}:*")],
            },
            {
                "Sid": "SendLogs",
                "Effect": "Allow",
                "Action": ["logs:PutLogEvents"],
                "Resource": [format!("{group}:log-stream:*")],
            },
            {
                "Sid": "SendMessages",
                "Effect": "Allow",
                "Action": ["sns:Publish", "sns:GetTopicAttributes"],
                "Resource": [arn],
            },
            {
                "Sid": "SendMetrics",
                "Effect": "Allow",
                "Action": ["cloudwatch:PutMetricData"],
                "Resource": "*",
                "Condition": {"StringEquals": {"cloudwatch:namespace": ["monban"]}},
            },
        ]});
        assert_eq!(policy(&aws, &[Topic::parse(arn).unwrap()]), expected);
    }

    #[test]
    fn keeping_logs_is_allowed_only_where_it_is_asked_for() {
        let text = "[aws]\nregion = \"cn-north-1\"\n[[aws.logs]]\nservices = [\"sshd\"]\n\
            group = \"ssh\"\nstream = \"a-{hostname}\"\nretention_days = 7\n";
        let policy = policy(&Config::parse("m", text).unwrap().aws, &[]).to_string();
        assert!(policy.contains("logs:PutRetentionPolicy"), "{policy}");
        let stream = "arn:aws-cn:logs:cn-north-1:*:log-group:ssh:log-stream:a-*";
        assert!(policy.contains(stream) && !policy.contains("sns:"), "{policy}");
    }
}
