-- One row per `SeedRecorded` log: the seed of a round, which is a block's number, is known from here on. A seed of zero counts
-- as none, and anybody can record it again.
create table seed_recorded (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    round        uint64  not null,
    value        bytes32 not null,
    recorder     address not null,
    primary key (block_number, log_index)
);

create index on seed_recorded (round);

-- One row per `BlockRandomnessConfigured` log.
create table block_randomness_configured (
    block_number  bigint  not null references block on delete cascade,
    log_index     int     not null,
    tx_hash       bytes32 not null,
    delay         uint64  not null, -- blocks between a commitment and the block that seeds it
    record_window uint64  not null, -- blocks after its own in which a seed can be recorded
    primary key (block_number, log_index)
);
