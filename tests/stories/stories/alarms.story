# Alarms by our own rules: over all failed logins, one for each address, and one over both; and the
# same by CloudWatch's. The window of ten failures keeps anybody from being blocked.
> at 2026-08-10 09:00:00
> config
[policy.default]
failures = 10
[[alarm]]
name = "all"
metric = "login-failed"
threshold = 3
repeat = "1m"
[[alarm]]
name = "each"
metric = "login-failed"
threshold = 2
per = "address"
[[alarm]]
name = "either"
rule = 'ALARM("all") OR ALARM("each")'
[[alarm]]
name = "cloud"
metric = "login-failed"
threshold = 3
semantics = "aws"
> end
{now} web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
> wait 10s
{now} web sshd[72]: Failed password for admin from 192.0.2.6 port 4002 ssh2
> wait 10s
{now} web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
> wait 45s
{now} web sshd[74]: Failed password for root from 192.0.2.5 port 4004 ssh2
{now} web sshd[75]: Failed password for root from 192.0.2.5 port 4005 ssh2
> wait 10m
==== ledger
08-10 09:00:20 alarm all OK -> ALARM: Threshold Crossed: 1 out of the last 1 datapoints [3.0 (10/08/26 08:59:21)] was greater than or equal to the threshold (3.0) (minimum 1 datapoint for OK -> ALARM transition).
    from 192.0.2.5 x2
    from 192.0.2.6 x1
    user root x2
    user admin x1
    2026-08-10T09:00:00Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
    2026-08-10T09:00:10Z web sshd[72]: Failed password for admin from 192.0.2.6 port 4002 ssh2
    2026-08-10T09:00:20Z web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
08-10 09:00:20 alarm each [address 192.0.2.5] OK -> ALARM: Threshold Crossed: 1 out of the last 1 datapoints [2.0 (10/08/26 08:59:21)] was greater than or equal to the threshold (2.0) (minimum 1 datapoint for OK -> ALARM transition).
    from 192.0.2.5 x2
    user root x2
    2026-08-10T09:00:00Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
    2026-08-10T09:00:20Z web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
08-10 09:00:20 alarm either OK -> ALARM: all transitioned to ALARM at Monday 10 August, 2026 09:00:20 UTC
08-10 09:01:00 alarm all ALARM -> OK: Threshold Crossed: 1 out of the last 1 datapoints [2.0 (10/08/26 09:00:01)] was not greater than or equal to the threshold (3.0) (minimum 1 datapoint for ALARM -> OK transition).
    from 192.0.2.5 x2
    from 192.0.2.6 x1
    user root x2
    user admin x1
    2026-08-10T09:00:00Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
    2026-08-10T09:00:10Z web sshd[72]: Failed password for admin from 192.0.2.6 port 4002 ssh2
    2026-08-10T09:00:20Z web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
08-10 09:01:00 alarm cloud INSUFFICIENT_DATA -> ALARM: Threshold Crossed: 1 out of the last 1 datapoints [3.0 (10/08/26 09:00:00)] was greater than or equal to the threshold (3.0) (minimum 1 datapoint for OK -> ALARM transition).
    from 192.0.2.5 x2
    from 192.0.2.6 x1
    user root x2
    user admin x1
    2026-08-10T09:00:00Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
    2026-08-10T09:00:10Z web sshd[72]: Failed password for admin from 192.0.2.6 port 4002 ssh2
    2026-08-10T09:00:20Z web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
08-10 09:01:00 alarm each [address 192.0.2.5] ALARM -> OK: Threshold Crossed: 1 out of the last 1 datapoints [1.0 (10/08/26 09:00:01)] was not greater than or equal to the threshold (2.0) (minimum 1 datapoint for ALARM -> OK transition).
    from 192.0.2.5 x2
    user root x2
    2026-08-10T09:00:00Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
    2026-08-10T09:00:20Z web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
08-10 09:01:00 alarm either ALARM -> OK: all transitioned to OK at Monday 10 August, 2026 09:01:00 UTC
08-10 09:01:05 alarm all OK -> ALARM: Threshold Crossed: 1 out of the last 1 datapoints [3.0 (10/08/26 09:00:06)] was greater than or equal to the threshold (3.0) (minimum 1 datapoint for OK -> ALARM transition).
    from 192.0.2.5 x3
    from 192.0.2.6 x1
    user root x3
    user admin x1
    2026-08-10T09:00:00Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
    2026-08-10T09:00:10Z web sshd[72]: Failed password for admin from 192.0.2.6 port 4002 ssh2
    2026-08-10T09:00:20Z web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
    2026-08-10T09:01:05Z web sshd[74]: Failed password for root from 192.0.2.5 port 4004 ssh2
08-10 09:01:05 alarm each [address 192.0.2.5] OK -> ALARM: Threshold Crossed: 1 out of the last 1 datapoints [2.0 (10/08/26 09:00:06)] was greater than or equal to the threshold (2.0) (minimum 1 datapoint for OK -> ALARM transition).
    from 192.0.2.5 x3
    user root x3
    2026-08-10T09:00:00Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
    2026-08-10T09:00:20Z web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
    2026-08-10T09:01:05Z web sshd[74]: Failed password for root from 192.0.2.5 port 4004 ssh2
08-10 09:01:05 alarm either OK -> ALARM: all transitioned to ALARM at Monday 10 August, 2026 09:01:05 UTC
08-10 09:01:20 alarm all ALARM -> OK: Threshold Crossed: 1 out of the last 1 datapoints [2.0 (10/08/26 09:00:21)] was not greater than or equal to the threshold (3.0) (minimum 1 datapoint for ALARM -> OK transition).
    from 192.0.2.5 x4
    from 192.0.2.6 x1
    user root x4
    user admin x1
    2026-08-10T09:00:00Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
    2026-08-10T09:00:10Z web sshd[72]: Failed password for admin from 192.0.2.6 port 4002 ssh2
    2026-08-10T09:00:20Z web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
    2026-08-10T09:01:05Z web sshd[74]: Failed password for root from 192.0.2.5 port 4004 ssh2
    2026-08-10T09:01:05Z web sshd[75]: Failed password for root from 192.0.2.5 port 4005 ssh2
08-10 09:02:00 alarm cloud ALARM -> OK: Threshold Crossed: 1 out of the last 1 datapoints [2.0 (10/08/26 09:01:00)] was not greater than or equal to the threshold (3.0) (minimum 1 datapoint for ALARM -> OK transition).
    from 192.0.2.5 x4
    from 192.0.2.6 x1
    user root x4
    user admin x1
    2026-08-10T09:00:00Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
    2026-08-10T09:00:10Z web sshd[72]: Failed password for admin from 192.0.2.6 port 4002 ssh2
    2026-08-10T09:00:20Z web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
    2026-08-10T09:01:05Z web sshd[74]: Failed password for root from 192.0.2.5 port 4004 ssh2
    2026-08-10T09:01:05Z web sshd[75]: Failed password for root from 192.0.2.5 port 4005 ssh2
08-10 09:02:05 alarm each [address 192.0.2.5] ALARM -> OK: Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching].
    from 192.0.2.5 x4
    user root x4
    2026-08-10T09:00:00Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
    2026-08-10T09:00:20Z web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
    2026-08-10T09:01:05Z web sshd[74]: Failed password for root from 192.0.2.5 port 4004 ssh2
    2026-08-10T09:01:05Z web sshd[75]: Failed password for root from 192.0.2.5 port 4005 ssh2
08-10 09:02:05 alarm either ALARM -> OK: each transitioned to OK at Monday 10 August, 2026 09:02:05 UTC
08-10 09:05:00 alarm cloud OK -> INSUFFICIENT_DATA: Insufficient Data: 1 datapoint was unknown.
    from 192.0.2.5 x4
    from 192.0.2.6 x1
    user root x4
    user admin x1
    2026-08-10T09:00:00Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
    2026-08-10T09:00:10Z web sshd[72]: Failed password for admin from 192.0.2.6 port 4002 ssh2
    2026-08-10T09:00:20Z web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
    2026-08-10T09:01:05Z web sshd[74]: Failed password for root from 192.0.2.5 port 4004 ssh2
    2026-08-10T09:01:05Z web sshd[75]: Failed password for root from 192.0.2.5 port 4005 ssh2
==== blocked
