-- Form 8: metrics on their way to CloudWatch.

CREATE TABLE aws_sums (
    id          INTEGER PRIMARY KEY,
    namespace   TEXT NOT NULL,
    metric      TEXT NOT NULL,
    minute      INTEGER NOT NULL,
    data        BLOB NOT NULL     -- all of it, see wire/aws.rs of the model
);
