// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {IOperatorRegistry} from "./interfaces/IOperatorRegistry.sol";
import {IStakeVault} from "./interfaces/IStakeVault.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title OperatorRegistry
/// @notice Behaviour, units and errors are documented on `IOperatorRegistry`.
contract OperatorRegistry is IOperatorRegistry, AccessManaged, EIP712 {
    /// @dev The commission in force is `next` once `effectiveAt` has come, `current` before.
    struct Commission {
        uint16 current;
        uint16 next;
        uint64 effectiveAt;
    }

    bytes32 private constant KEY_BINDING_TYPEHASH = keccak256("KeyBinding(address operator,address key)");
    uint16 private constant BPS = 10_000;
    uint64 private constant MAX_COMMISSION_DELAY = 365 days;

    IModelRegistry public immutable MODEL_REGISTRY;
    IStakeVault public immutable STAKE_VAULT;
    uint64 public immutable COMMISSION_DELAY;

    mapping(address operator => Operator) private _operators;
    mapping(address operator => Commission) private _commissions;
    mapping(address operator => mapping(bytes32 modelId => Offering)) private _offerings;
    mapping(address key => KeyBinding) private _keys;
    address[] private _byIndex;

    constructor(address manager, IModelRegistry modelRegistry, IStakeVault stakeVault, uint64 commissionDelay)
        AccessManaged(manager)
        EIP712("Plumbline OperatorRegistry", "1")
    {
        require(
            address(modelRegistry) != address(0) && address(stakeVault) != address(0), OperatorRegistry_ZeroAddress()
        );
        require(
            commissionDelay <= MAX_COMMISSION_DELAY,
            OperatorRegistry_DelayOutOfRange(commissionDelay, MAX_COMMISSION_DELAY)
        );
        MODEL_REGISTRY = modelRegistry;
        STAKE_VAULT = stakeVault;
        COMMISSION_DELAY = commissionDelay;
        emit OperatorRegistryConfigured(address(modelRegistry), address(stakeVault), commissionDelay);
    }

    /// @inheritdoc IOperatorRegistry
    function register(
        address signingKey,
        address settlerKey,
        bytes32 domain,
        string calldata endpoint,
        uint16 commissionBps,
        bytes calldata keySignature
    ) external returns (address operator) {
        operator = msg.sender;
        Operator storage record = _operators[operator];
        require(record.status == Status.None, OperatorRegistry_AlreadyRegistered(operator));
        require(commissionBps <= BPS, OperatorRegistry_CommissionTooHigh(commissionBps));
        _requireBonded(operator);

        uint32 index = uint32(_byIndex.length);
        _byIndex.push(operator);
        record.index = index;
        record.status = Status.Active;
        record.inServiceSince = uint64(block.timestamp);
        record.settlerKey = settlerKey;
        record.payout = operator;
        record.domain = domain;
        _commissions[operator] =
            Commission({current: commissionBps, next: commissionBps, effectiveAt: uint64(block.timestamp)});

        emit OperatorRegistered(operator, index);
        _bindKey(operator, record, signingKey, keySignature);
        emit SettlerChanged(operator, settlerKey);
        emit PayoutChanged(operator, operator);
        emit EndpointChanged(operator, domain, endpoint);
        emit CommissionAnnounced(operator, commissionBps, uint64(block.timestamp));
    }

    /// @inheritdoc IOperatorRegistry
    function rotateKey(address key, bytes calldata keySignature) external {
        Operator storage record = _inService(msg.sender);
        _keys[record.signingKey].until = uint64(block.timestamp);
        _bindKey(msg.sender, record, key, keySignature);
    }

    /// @inheritdoc IOperatorRegistry
    function changeSettler(address settlerKey) external {
        _registered(msg.sender).settlerKey = settlerKey;
        emit SettlerChanged(msg.sender, settlerKey);
    }

    /// @inheritdoc IOperatorRegistry
    function changePayout(address payout) external {
        require(payout != address(0), OperatorRegistry_ZeroAddress());
        _registered(msg.sender).payout = payout;
        emit PayoutChanged(msg.sender, payout);
    }

    /// @inheritdoc IOperatorRegistry
    function changeEndpoint(bytes32 domain, string calldata endpoint) external {
        _inService(msg.sender).domain = domain;
        emit EndpointChanged(msg.sender, domain, endpoint);
    }

    /// @inheritdoc IOperatorRegistry
    function announceCommission(uint16 commissionBps) external {
        _inService(msg.sender);
        require(commissionBps <= BPS, OperatorRegistry_CommissionTooHigh(commissionBps));
        uint64 effectiveAt = uint64(block.timestamp) + COMMISSION_DELAY;
        _commissions[msg.sender] =
            Commission({current: commissionOf(msg.sender), next: commissionBps, effectiveAt: effectiveAt});
        emit CommissionAnnounced(msg.sender, commissionBps, effectiveAt);
    }

    /// @inheritdoc IOperatorRegistry
    function serve(bytes32 modelId, uint32 version, uint128 pricePerUnit) external {
        Status status = _registered(msg.sender).status;
        require(status == Status.Active, OperatorRegistry_WrongStatus(msg.sender, status));
        require(!MODEL_REGISTRY.model(modelId).retired, OperatorRegistry_ModelIsRetired(modelId));
        uint16 royaltyBps = MODEL_REGISTRY.version(modelId, version).royaltyBps;
        _offerings[msg.sender][modelId] =
            Offering({version: version, royaltyBps: royaltyBps, active: true, pricePerUnit: pricePerUnit});
        emit ModelServed(msg.sender, modelId, version, royaltyBps, pricePerUnit);
    }

    /// @inheritdoc IOperatorRegistry
    function stopServing(bytes32 modelId) external {
        require(_offerings[msg.sender][modelId].active, OperatorRegistry_NotServing(msg.sender, modelId));
        _offerings[msg.sender][modelId].active = false;
        emit ModelUnserved(msg.sender, modelId);
    }

    /// @inheritdoc IOperatorRegistry
    function exit() external {
        Operator storage record = _inService(msg.sender);
        if (record.status == Status.Active) record.outOfServiceSince = uint64(block.timestamp);
        record.status = Status.Exiting;
        emit OperatorExited(msg.sender);
    }

    /// @inheritdoc IOperatorRegistry
    function unjail() external {
        Operator storage record = _registered(msg.sender);
        require(record.status == Status.Jailed, OperatorRegistry_WrongStatus(msg.sender, record.status));
        require(block.timestamp >= record.jailedUntil, OperatorRegistry_StillJailed(msg.sender, record.jailedUntil));
        _requireBonded(msg.sender);
        record.status = Status.Active;
        record.inServiceSince = uint64(block.timestamp);
        record.outOfServiceSince = 0;
        emit OperatorUnjailed(msg.sender);
    }

    /// @inheritdoc IOperatorRegistry
    function jail(address operator, uint64 until) external restricted returns (uint64 jailedUntil) {
        Operator storage record = _registered(operator);
        if (_isGone(record)) return 0;
        jailedUntil = until > record.jailedUntil ? until : record.jailedUntil;
        record.jailedUntil = jailedUntil;
        if (record.status == Status.Active) record.outOfServiceSince = uint64(block.timestamp);
        record.status = Status.Jailed;
        emit OperatorJailed(operator, jailedUntil);
    }

    /// @inheritdoc IOperatorRegistry
    function tombstone(address operator) external restricted {
        Operator storage record = _registered(operator);
        if (record.status == Status.Tombstoned) return;
        if (record.status == Status.Active) record.outOfServiceSince = uint64(block.timestamp);
        record.status = Status.Tombstoned;
        emit OperatorTombstoned(operator);
    }

    /// @inheritdoc IOperatorRegistry
    function operatorOf(address operator) external view returns (Operator memory) {
        return _registered(operator);
    }

    /// @inheritdoc IOperatorRegistry
    function operatorCount() external view returns (uint32) {
        return uint32(_byIndex.length);
    }

    /// @inheritdoc IOperatorRegistry
    function operatorAt(uint32 index) external view returns (address) {
        return index < _byIndex.length ? _byIndex[index] : address(0);
    }

    /// @inheritdoc IOperatorRegistry
    function keyBinding(address key) external view returns (KeyBinding memory) {
        return _keys[key];
    }

    /// @inheritdoc IOperatorRegistry
    function offering(address operator, bytes32 modelId) external view returns (Offering memory) {
        return _offerings[operator][modelId];
    }

    /// @inheritdoc IOperatorRegistry
    function payoutOf(address operator) external view returns (address) {
        return _registered(operator).payout;
    }

    /// @inheritdoc IOperatorRegistry
    function settlerOf(address operator) external view returns (address settlerKey) {
        settlerKey = _operators[operator].settlerKey;
        // Who has a settler is registered, and need not be looked up once more.
        if (settlerKey == address(0)) _registered(operator);
    }

    /// @inheritdoc IOperatorRegistry
    function isEligible(address operator) external view returns (bool) {
        return _operators[operator].status == Status.Active && STAKE_VAULT.isBonded(operator);
    }

    /// @inheritdoc IOperatorRegistry
    function commissionOf(address operator) public view returns (uint16) {
        Commission memory commission = _commissions[operator];
        return block.timestamp >= commission.effectiveAt ? commission.next : commission.current;
    }

    /// @inheritdoc IOperatorRegistry
    function keyBindingDigest(address operator, address key) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(KEY_BINDING_TYPEHASH, operator, key)));
    }

    function _bindKey(address operator, Operator storage record, address key, bytes calldata keySignature) private {
        require(key != address(0), OperatorRegistry_ZeroAddress());
        address bound = _keys[key].operator;
        require(bound == address(0), OperatorRegistry_KeyAlreadyBound(key, bound));
        (address recovered,,) = ECDSA.tryRecover(keyBindingDigest(operator, key), keySignature);
        require(recovered == key, OperatorRegistry_InvalidKeySignature(key, recovered));
        emit KeyRotated(operator, record.signingKey, key);
        record.signingKey = key;
        _keys[key] = KeyBinding({operator: operator, from: uint64(block.timestamp), until: 0});
    }

    function _requireBonded(address operator) private view {
        // `require` would make the two calls behind the error's arguments every time.
        if (!STAKE_VAULT.isBonded(operator)) {
            revert OperatorRegistry_NotBonded(
                operator, STAKE_VAULT.stakeOf(operator, operator), STAKE_VAULT.OWN_STAKE_FLOOR()
            );
        }
    }

    function _registered(address operator) private view returns (Operator storage record) {
        record = _operators[operator];
        require(record.status != Status.None, OperatorRegistry_NotRegistered(operator));
    }

    function _inService(address operator) private view returns (Operator storage record) {
        record = _registered(operator);
        require(!_isGone(record), OperatorRegistry_WrongStatus(operator, record.status));
    }

    /// @dev True when it is out of service for ever.
    function _isGone(Operator storage record) private view returns (bool) {
        return record.status == Status.Exiting || record.status == Status.Tombstoned;
    }
}
