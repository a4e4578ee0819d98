# The firewall fails for a while: the block is tried again, each time after twice the wait.
> at 2026-08-10 09:00:00
> firewall fails
> ban 192.0.2.5 1h
> wait 2s
> firewall works
> wait 10s
==== ledger
08-10 09:00:00 decided 192.0.2.5 block for 1h (operator: story)
08-10 09:00:00 order block 192.0.2.5
08-10 09:00:00 failed 192.0.2.5: no such table
08-10 09:00:01 order block 192.0.2.5
08-10 09:00:01 failed 192.0.2.5: no such table
08-10 09:00:03 order block 192.0.2.5
08-10 09:00:03 applied 192.0.2.5
==== blocked
192.0.2.5 until 2026-08-10T10:00:00Z
