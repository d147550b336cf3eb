// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @title Registry of operators: a bonded address, its keys, its domain and what it serves
/// @notice An operator is the address that registered it and holds its own stake, stable across restarts; signing
///         keys rotate below it and every key ever bound stays attributable.
interface IOperatorRegistry {
    /// @dev `None`: never registered. `Jailed`: no committee seat and no new offering until `unjail`.
    ///      `Exiting`: for ever out of service; earned fees can still be settled and stake withdrawn. `Tombstoned`: the
    ///      same, for a fault; no other status follows, and its keys and its terms stay what they are.
    enum Status {
        None,
        Active,
        Jailed,
        Exiting,
        Tombstoned
    }

    /// @param index Position in uptime bitmaps, assigned at registration, never reused.
    /// @param status See `Status`.
    /// @param inServiceSince Unix seconds of registration or of the last return from jail.
    /// @param outOfServiceSince Unix seconds of the jailing, exit or tombstone, zero while active.
    /// @param jailedUntil Unix seconds before which `unjail` reverts.
    /// @param signingKey Key that signs receipts and uptime reports now.
    /// @param settlerKey Address that may call `settle` for the operator, zero when none.
    /// @param payout Address that earnings are paid to.
    /// @param domain Declared failure domain (cloud/region/ASN), ASCII label padded with zeros. Not believed:
    ///        a false declaration is answered by correlation, not by trust.
    struct Operator {
        uint32 index;
        Status status;
        uint64 inServiceSince;
        uint64 outOfServiceSince;
        uint64 jailedUntil;
        address signingKey;
        address settlerKey;
        address payout;
        bytes32 domain;
    }

    /// @param operator Whose key it is, zero when never bound.
    /// @param from Unix seconds of the binding.
    /// @param until Unix seconds of the rotation away from it, zero while it is bound.
    struct KeyBinding {
        address operator;
        uint64 from;
        uint64 until;
    }

    /// @param version Version of the model that is served; zero when the model was never offered.
    /// @param royaltyBps The version's royalty, basis points of 10,000.
    /// @param active False once the operator stopped serving; the terms stay for work already done.
    /// @param pricePerUnit Asked price in fee-token base units per unit of inference.
    struct Offering {
        uint32 version;
        uint16 royaltyBps;
        bool active;
        uint128 pricePerUnit;
    }

    /// @notice A new operator; `KeyRotated`, `SettlerChanged`, `PayoutChanged`, `EndpointChanged` and
    ///         `CommissionAnnounced` follow in the same transaction and hold its first settings.
    event OperatorRegistered(address indexed operator, uint32 indexed index);

    /// @notice `key` signs for the operator from this block's time on; `previousKey` is zero at registration.
    event KeyRotated(address indexed operator, address indexed previousKey, address indexed key);

    /// @notice `settlerKey` may call `settle`; zero leaves the operator itself alone.
    event SettlerChanged(address indexed operator, address indexed settlerKey);

    /// @notice Earnings are paid to `payout`.
    event PayoutChanged(address indexed operator, address indexed payout);

    /// @notice Declared failure domain and public endpoint.
    event EndpointChanged(address indexed operator, bytes32 indexed domain, string endpoint);

    /// @notice From `effectiveAt` (unix seconds) on the operator keeps `commissionBps` of what its pool earns.
    event CommissionAnnounced(address indexed operator, uint16 commissionBps, uint64 effectiveAt);

    /// @notice The operator offers the model's version; settlements of new lanes pay `royaltyBps` to its publisher.
    event ModelServed(
        address indexed operator, bytes32 indexed modelId, uint32 version, uint16 royaltyBps, uint128 pricePerUnit
    );

    /// @notice The operator takes no new work for the model.
    event ModelUnserved(address indexed operator, bytes32 indexed modelId);

    /// @notice Jailed until at least `until` (unix seconds).
    event OperatorJailed(address indexed operator, uint64 until);

    /// @notice Back to active.
    event OperatorUnjailed(address indexed operator);

    /// @notice Out of service for ever.
    event OperatorExited(address indexed operator);

    /// @notice Out of service for ever, for a fault.
    event OperatorTombstoned(address indexed operator);

    /// @notice Emitted once, at deployment.
    /// @param commissionDelay Seconds between announcing a commission and its effect.
    event OperatorRegistryConfigured(address modelRegistry, address stakeVault, uint64 commissionDelay);

    error OperatorRegistry_AlreadyRegistered(address operator);
    error OperatorRegistry_NotRegistered(address account);
    error OperatorRegistry_NotBonded(address operator, uint256 ownStake, uint256 floor);
    error OperatorRegistry_WrongStatus(address operator, Status status);
    error OperatorRegistry_StillJailed(address operator, uint64 until);
    error OperatorRegistry_KeyAlreadyBound(address key, address operator);
    error OperatorRegistry_InvalidKeySignature(address key, address recovered);
    error OperatorRegistry_ZeroAddress();
    error OperatorRegistry_CommissionTooHigh(uint16 commissionBps);
    error OperatorRegistry_ModelIsRetired(bytes32 modelId);
    error OperatorRegistry_NotServing(address operator, bytes32 modelId);
    error OperatorRegistry_DelayOutOfRange(uint64 delay, uint64 max);

    /// @notice Seconds between announcing a commission and its effect.
    function COMMISSION_DELAY() external view returns (uint64);

    /// @notice Registers the caller, which must already hold its own stake in the vault.
    /// @param signingKey Key that will sign receipts and uptime reports; never bound before, by anyone.
    /// @param settlerKey May call `settle` for the operator; zero for none.
    /// @param domain Declared failure domain, e.g. `bytes32("aws/eu-west-1")`.
    /// @param endpoint Public URL of the operator.
    /// @param commissionBps Share of pool earnings the operator keeps, basis points; effective at once here only.
    /// @param keySignature EIP-712 signature by `signingKey` over `KeyBinding(address operator,address key)`, so that
    ///        nobody can bind a key that is not theirs.
    /// @return operator The caller.
    function register(
        address signingKey,
        address settlerKey,
        bytes32 domain,
        string calldata endpoint,
        uint16 commissionBps,
        bytes calldata keySignature
    ) external returns (address operator);

    /// @notice Replaces the signing key. The previous key stays attributable and can never be bound again.
    function rotateKey(address key, bytes calldata keySignature) external;

    /// @notice Replaces the settler; zero for none.
    function changeSettler(address settlerKey) external;

    /// @notice Replaces the address that earnings are paid to.
    function changePayout(address payout) external;

    /// @notice Replaces failure domain and endpoint.
    function changeEndpoint(bytes32 domain, string calldata endpoint) external;

    /// @notice Announces a commission that binds after `COMMISSION_DELAY`; a later announcement replaces a pending one.
    function announceCommission(uint16 commissionBps) external;

    /// @notice Offers a version of a model at a price. Calling again changes version and price for new lanes.
    /// @param pricePerUnit Fee-token base units per unit of inference.
    function serve(bytes32 modelId, uint32 version, uint128 pricePerUnit) external;

    /// @notice Stops new work for a model; work done can still be settled.
    function stopServing(bytes32 modelId) external;

    /// @notice Leaves service for ever; stake can then be thawed as any other.
    function exit() external;

    /// @notice Returns to active once the jail term is over and the own stake is at or above the floor.
    function unjail() external;

    /// @notice Jails an operator until at least `until`; an earlier end never shortens a later one. Restricted.
    /// @dev Does nothing for an operator that is exiting or tombstoned: it is out of service already.
    /// @return jailedUntil End of the jail term, zero for an operator that is exiting or tombstoned.
    function jail(address operator, uint64 until) external returns (uint64 jailedUntil);

    /// @notice Takes an operator out of service for ever, whatever its status. Restricted.
    /// @dev Does nothing for one that is tombstoned already. What it earned can still be settled and claimed, and its
    ///      stake thawed and withdrawn: only service ends.
    function tombstone(address operator) external;

    /// @notice The operator's record; reverts when it was never registered.
    function operatorOf(address operator) external view returns (Operator memory);

    /// @notice How many operators ever registered; indices run from 0 to this less one.
    function operatorCount() external view returns (uint32);

    /// @notice The operator at a bitmap index; zero beyond the last.
    function operatorAt(uint32 index) external view returns (address);

    /// @notice Who a key belongs or belonged to.
    function keyBinding(address key) external view returns (KeyBinding memory);

    /// @notice The operator's terms for a model; all zero when it never offered it.
    function offering(address operator, bytes32 modelId) external view returns (Offering memory);

    /// @notice Commission in force now, basis points of 10,000.
    function commissionOf(address operator) external view returns (uint16);

    /// @notice Address that earnings are paid to; reverts when the operator was never registered.
    function payoutOf(address operator) external view returns (address);

    /// @notice Address that may settle besides the operator itself, zero when none; reverts when never registered.
    function settlerOf(address operator) external view returns (address);

    /// @notice True when the operator may sit in a committee: active, with its own stake at or above the floor.
    function isEligible(address operator) external view returns (bool);

    /// @notice EIP-712 digest that a signing key signs to be bound to an operator.
    function keyBindingDigest(address operator, address key) external view returns (bytes32);
}
