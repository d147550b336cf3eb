-- One row per `ChallengeOpened` log.
create table challenge_opened (
    block_number       bigint  not null references block on delete cascade,
    log_index          int     not null,
    tx_hash            bytes32 not null,
    operator           address not null,
    case_id            uint256 not null,
    challenger         address not null,
    bond               uint256 not null, -- fee token
    principal_cap      uint256 not null, -- most that a verdict can take, stake token
    parameters_version bigint  not null,
    primary key (block_number, log_index)
);

create unique index on challenge_opened (case_id);
create index on challenge_opened (operator, block_number, log_index);
create index on challenge_opened (challenger, block_number, log_index);

-- One row per `EquivocationProved` log: two receipts of one request contradict each other.
create table equivocation_proved (
    block_number   bigint  not null references block on delete cascade,
    log_index      int     not null,
    tx_hash        bytes32 not null,
    operator       address not null,
    reporter       address not null,
    offence        bytes32 not null,
    request_id     bytes32 not null,
    receipt_hash_a bytes32 not null,
    receipt_hash_b bytes32 not null,
    primary key (block_number, log_index)
);

create index on equivocation_proved (operator, block_number, log_index);

-- One row per `BondCredited` log: a part of a case's bond waits for an account.
create table bond_credited (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    account      address not null,
    case_id      uint256 not null,
    amount       uint256 not null, -- fee token
    primary key (block_number, log_index)
);

create index on bond_credited (case_id);
create index on bond_credited (account, block_number, log_index);

-- One row per `CreditCollected` log of `ChallengeManager`; the settlement's event of that name is `credit_collected`.
create table bond_collected (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    account      address not null,
    amount       uint256 not null, -- fee token
    primary key (block_number, log_index)
);

-- One row per `CanaryPlanted` log: somebody committed to challenge a receipt that is known to be wrong.
create table canary_planted (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    planter      address not null,
    commitment   bytes32 not null,
    primary key (block_number, log_index)
);

create unique index on canary_planted (commitment);

-- One row per `CanaryRevealed` log: the challenge was a canary, its verdict is void.
create table canary_revealed (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    planter      address not null,
    case_id      uint256 not null,
    commitment   bytes32 not null,
    primary key (block_number, log_index)
);

create unique index on canary_revealed (case_id);

-- One row per `ChallengeManagerConfigured` log.
create table challenge_manager_configured (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    case_docket  address not null,
    primary key (block_number, log_index)
);
