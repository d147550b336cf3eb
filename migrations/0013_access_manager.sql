-- Who may change what, and which changes are on their way: whoever does not want one can leave before it binds.

-- One row per `OperationScheduled` log: a restricted call that can be executed from `ready_at` on.
create table operation_scheduled (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operation_id bytes32 not null,
    nonce        bigint  not null, -- rises each time the same operation is scheduled
    ready_at     bigint  not null, -- unix seconds
    caller       address not null,
    target       address not null,
    data         bytea   not null, -- selector and arguments of the call
    primary key (block_number, log_index)
);

create index on operation_scheduled (operation_id, nonce);

-- One row per `OperationExecuted` log.
create table operation_executed (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operation_id bytes32 not null,
    nonce        bigint  not null,
    primary key (block_number, log_index)
);

-- One row per `OperationCanceled` log.
create table operation_canceled (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operation_id bytes32 not null,
    nonce        bigint  not null,
    primary key (block_number, log_index)
);

-- One row per `RoleGranted` log.
create table role_granted (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    role_id      uint64  not null,
    account      address not null,
    delay        bigint  not null, -- seconds between scheduling and executing
    since        bigint  not null, -- unix seconds
    new_member   boolean not null,
    primary key (block_number, log_index)
);

create index on role_granted (role_id, account, block_number, log_index);

-- One row per `RoleRevoked` log.
create table role_revoked (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    role_id      uint64  not null,
    account      address not null,
    primary key (block_number, log_index)
);

-- One row per `RoleAdminChanged` log.
create table role_admin_changed (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    role_id      uint64  not null,
    admin        uint64  not null, -- role
    primary key (block_number, log_index)
);

-- One row per `RoleGuardianChanged` log.
create table role_guardian_changed (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    role_id      uint64  not null,
    guardian     uint64  not null, -- role
    primary key (block_number, log_index)
);

-- One row per `RoleGrantDelayChanged` log.
create table role_grant_delay_changed (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    role_id      uint64  not null,
    delay        bigint  not null, -- seconds
    since        bigint  not null, -- unix seconds
    primary key (block_number, log_index)
);

-- One row per `RoleLabel` log.
create table role_label (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    role_id      uint64  not null,
    label        text    not null,
    primary key (block_number, log_index)
);

-- One row per `TargetFunctionRoleUpdated` log: who may call a restricted function.
create table target_function_role_updated (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    target       address not null,
    selector     bytea   not null check (length(selector) = 4),
    role_id      uint64  not null,
    primary key (block_number, log_index)
);

-- One row per `TargetAdminDelayUpdated` log.
create table target_admin_delay_updated (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    target       address not null,
    delay        bigint  not null, -- seconds
    since        bigint  not null, -- unix seconds
    primary key (block_number, log_index)
);

-- One row per `TargetClosed` log.
create table target_closed (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    target       address not null,
    closed       boolean not null,
    primary key (block_number, log_index)
);
