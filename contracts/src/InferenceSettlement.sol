// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IERC3009Receive} from "./interfaces/IERC3009Receive.sol";
import {IInferenceSettlement} from "./interfaces/IInferenceSettlement.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {IOperatorRegistry} from "./interfaces/IOperatorRegistry.sol";
import {IStakeVault} from "./interfaces/IStakeVault.sol";
import {EarningsRing} from "./libraries/EarningsRing.sol";
import {ExactTransfer} from "./libraries/ExactTransfer.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title InferenceSettlement
/// @notice Behaviour, units and errors are documented on `IInferenceSettlement`.
contract InferenceSettlement is IInferenceSettlement, AccessManaged, EIP712, ReentrancyGuardTransient {
    using EarningsRing for EarningsRing.Ring;
    using ExactTransfer for IERC20;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /// @param operator Whose vouchers they are.
    /// @param batchId Batch that is being settled.
    /// @param protocolFees Sum of protocol fees so far.
    /// @param earned Sum of operator's net so far.
    struct Tab {
        address operator;
        uint64 batchId;
        uint128 protocolFees;
        uint128 earned;
    }

    struct Configuration {
        address reserve;
        uint16 protocolFeeBps;
        uint64 exitDelay;
        uint64 epochDuration;
    }

    bytes32 private constant VOUCHER_TYPEHASH = keccak256(
        "Voucher(address payer,address operator,bytes32 modelId,uint128 cumulativeFee,uint64 cumulativeUnits)"
    );
    bytes32 private constant SIGNER_BINDING_TYPEHASH = keccak256("SignerBinding(address payer,address signer)");
    uint256 public constant MAX_VOUCHERS = 256;
    uint256 public constant MAX_CUT_BPS = 2000;
    uint16 private constant MAX_PROTOCOL_FEE_BPS = 2000;
    uint64 private constant MAX_EXIT_DELAY = 90 days;
    uint64 private constant MAX_EPOCH_DURATION = 30 days;
    uint256 private constant BPS = 10_000;

    IERC20 private immutable _FEE_TOKEN;
    IOperatorRegistry public immutable OPERATOR_REGISTRY;
    IModelRegistry public immutable MODEL_REGISTRY;
    IStakeVault public immutable STAKE_VAULT;
    address public immutable RESERVE;
    uint16 public immutable PROTOCOL_FEE_BPS;
    uint64 public immutable EXIT_DELAY;
    uint64 public immutable EPOCH_DURATION;

    mapping(address payer => mapping(address operator => Channel)) private _channels;
    mapping(address payer => mapping(address operator => mapping(bytes32 modelId => Lane))) private _lanes;
    mapping(address key => Signer) private _signers;
    mapping(address operator => EarningsRing.Ring) private _earnings;
    mapping(bytes32 modelId => uint256) private _royalties;
    mapping(address account => uint256) private _credits;
    mapping(uint256 batchId => bytes32) private _batchCommitments;
    /// @dev One slot, because every settlement writes both. Protocol fees are the reserve's, besides its credits.
    uint64 private _batchCount;
    uint128 private _protocolFees;

    constructor(
        address manager,
        IERC20 feeToken,
        IOperatorRegistry operatorRegistry,
        IModelRegistry modelRegistry,
        IStakeVault stakeVault,
        Configuration memory configuration
    ) AccessManaged(manager) EIP712("Plumbline InferenceSettlement", "1") {
        require(
            address(feeToken) != address(0) && address(operatorRegistry) != address(0)
                && address(modelRegistry) != address(0) && address(stakeVault) != address(0)
                && configuration.reserve != address(0),
            InferenceSettlement_ZeroAddress()
        );
        address distributed = stakeVault.FEE_TOKEN();
        require(distributed == address(feeToken), InferenceSettlement_FeeTokenMismatch(address(feeToken), distributed));
        require(
            configuration.protocolFeeBps <= MAX_PROTOCOL_FEE_BPS,
            InferenceSettlement_ProtocolFeeTooHigh(configuration.protocolFeeBps, MAX_PROTOCOL_FEE_BPS)
        );
        _requireDuration(configuration.exitDelay, MAX_EXIT_DELAY);
        _requireDuration(configuration.epochDuration, MAX_EPOCH_DURATION);
        _FEE_TOKEN = feeToken;
        OPERATOR_REGISTRY = operatorRegistry;
        MODEL_REGISTRY = modelRegistry;
        STAKE_VAULT = stakeVault;
        RESERVE = configuration.reserve;
        PROTOCOL_FEE_BPS = configuration.protocolFeeBps;
        EXIT_DELAY = configuration.exitDelay;
        EPOCH_DURATION = configuration.epochDuration;
        emit InferenceSettlementConfigured(
            address(feeToken),
            address(operatorRegistry),
            address(modelRegistry),
            address(stakeVault),
            configuration.reserve,
            configuration.protocolFeeBps,
            configuration.exitDelay,
            configuration.epochDuration
        );
    }

    /// @inheritdoc IInferenceSettlement
    function deposit(address payer, address operator, uint256 amount) external nonReentrant {
        _credit(payer, operator, msg.sender, amount);
        _FEE_TOKEN.pullExact(msg.sender, amount);
    }

    /// @inheritdoc IInferenceSettlement
    function depositWithPermit(address operator, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
        nonReentrant
    {
        _credit(msg.sender, operator, msg.sender, amount);
        // Anybody can submit the permit first; the allowance it leaves is all that matters.
        try IERC20Permit(address(_FEE_TOKEN)).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        _FEE_TOKEN.pullExact(msg.sender, amount);
    }

    /// @inheritdoc IInferenceSettlement
    function depositWithAuthorization(
        address payer,
        address operator,
        uint256 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 salt,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant {
        bytes32 expected = keccak256(abi.encode(operator, salt));
        require(nonce == expected, InferenceSettlement_WrongAuthorizationNonce(nonce, expected));
        _credit(payer, operator, payer, amount);
        uint256 before = _FEE_TOKEN.balanceOf(address(this));
        IERC3009Receive(address(_FEE_TOKEN))
            .receiveWithAuthorization(payer, address(this), amount, validAfter, validBefore, nonce, v, r, s);
        _FEE_TOKEN.requireReceived(before, amount);
    }

    /// @inheritdoc IInferenceSettlement
    function authorizeSigner(address key, uint64 validUntil, bytes calldata proof) external {
        require(validUntil > block.timestamp, InferenceSettlement_ValidityInPast(validUntil));
        Signer memory bound = _signers[key];
        require(
            bound.payer == address(0) || bound.payer == msg.sender, InferenceSettlement_SignerBound(key, bound.payer)
        );
        require(validUntil >= bound.validUntil, InferenceSettlement_ValidityShortened(validUntil, bound.validUntil));
        (address recovered,,) = ECDSA.tryRecoverCalldata(signerBindingDigest(msg.sender, key), proof);
        require(recovered == key && key != address(0), InferenceSettlement_InvalidSignerProof(key, recovered));
        _signers[key] = Signer({payer: msg.sender, validUntil: validUntil});
        emit SignerAuthorized(msg.sender, key, validUntil);
    }

    /// @inheritdoc IInferenceSettlement
    function revokeSigner(address key) external {
        Signer memory bound = _signers[key];
        require(bound.payer == msg.sender, InferenceSettlement_SignerUnknown(key, msg.sender));
        uint64 validUntil = uint64(Math.min(bound.validUntil, block.timestamp + EXIT_DELAY));
        _signers[key].validUntil = validUntil;
        emit SignerRevoked(msg.sender, key, validUntil);
    }

    /// @inheritdoc IInferenceSettlement
    function settle(
        Voucher[] calldata vouchers,
        bytes[] calldata signatures,
        bytes32 receiptsRoot,
        uint32 receiptCount,
        string calldata evidenceURI
    ) external nonReentrant returns (uint256 batchId) {
        require(
            vouchers.length != 0 && vouchers.length <= MAX_VOUCHERS && vouchers.length == signatures.length,
            InferenceSettlement_BatchSize(vouchers.length, signatures.length, MAX_VOUCHERS)
        );
        require(receiptsRoot != bytes32(0) && receiptCount != 0, InferenceSettlement_EmptyReceipts());
        Tab memory tab = Tab({operator: vouchers[0].operator, batchId: 0, protocolFees: 0, earned: 0});
        address settler = OPERATOR_REGISTRY.settlerOf(tab.operator);
        require(
            msg.sender == tab.operator || msg.sender == settler,
            InferenceSettlement_NotSettler(msg.sender, tab.operator)
        );
        tab.batchId = _batchCount + 1;
        batchId = tab.batchId;
        EarningsRing.Ring storage ring = _advance(tab.operator);
        for (uint256 i = 0; i < vouchers.length; ++i) {
            Voucher memory voucher = vouchers[i];
            require(
                voucher.operator == tab.operator, InferenceSettlement_MixedOperators(i, voucher.operator, tab.operator)
            );
            _settleVoucher(tab, voucher, signatures[i]);
        }
        if (tab.earned != 0) ring.lock(tab.earned);
        uint128 protocolFees = _protocolFees + tab.protocolFees;
        (_batchCount, _protocolFees) = (tab.batchId, protocolFees);
        _batchCommitments[batchId] = keccak256(
            abi.encode(tab.operator, receiptsRoot, receiptCount, uint64(block.timestamp), uint256(tab.earned))
        );
        emit BatchSettled(tab.operator, batchId, receiptsRoot, receiptCount, uint32(_epoch()), tab.earned, evidenceURI);
    }

    /// @inheritdoc IInferenceSettlement
    function startExit(address operator) external {
        Channel storage channel_ = _channels[msg.sender][operator];
        require(channel_.exitAt == 0, InferenceSettlement_ExitAlreadyStarted(channel_.exitAt));
        uint64 exitAt = uint64(block.timestamp) + EXIT_DELAY;
        channel_.exitAt = exitAt;
        emit ExitStarted(msg.sender, operator, exitAt);
    }

    /// @inheritdoc IInferenceSettlement
    function cancelExit(address operator) external {
        Channel storage channel_ = _channels[msg.sender][operator];
        require(channel_.exitAt != 0, InferenceSettlement_NoExit(msg.sender, operator));
        channel_.exitAt = 0;
        emit ExitCancelled(msg.sender, operator);
    }

    /// @inheritdoc IInferenceSettlement
    function finishExit(address operator) external nonReentrant returns (uint256 amount) {
        Channel storage channel_ = _channels[msg.sender][operator];
        uint64 exitAt = channel_.exitAt;
        require(exitAt != 0, InferenceSettlement_NoExit(msg.sender, operator));
        require(block.timestamp >= exitAt, InferenceSettlement_ExitNotReady(exitAt));
        amount = channel_.balance - channel_.settled;
        channel_.balance = channel_.settled;
        channel_.exitAt = 0;
        emit ExitFinished(msg.sender, operator, amount);
        _FEE_TOKEN.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IInferenceSettlement
    function claim(address operator) external nonReentrant returns (uint256 amount) {
        EarningsRing.Ring storage ring = _advance(operator);
        amount = ring.claimable;
        require(amount != 0, InferenceSettlement_NothingToClaim(operator));
        ring.claimable = 0;
        address payout = OPERATOR_REGISTRY.payoutOf(operator);
        uint256 distributed = 0;
        if (STAKE_VAULT.pool(operator).shares != 0) {
            // Commission rounds up: what is distributed is never more than the stakers' part.
            uint256 commission = Math.mulDiv(amount, OPERATOR_REGISTRY.commissionOf(operator), BPS, Math.Rounding.Ceil);
            distributed = amount - commission;
        }
        uint256 paid = amount - distributed;
        if (distributed != 0 && paid != 0 && !_FEE_TOKEN.trySafeTransfer(payout, paid)) {
            // An operator whose payout address cannot receive would else choose when its stakers are paid, and at which
            // commission.
            ring.claimable = paid.toUint128();
            (amount, paid) = (distributed, 0);
        }
        emit EarningsClaimed(operator, payout, paid, distributed);
        if (distributed == 0) {
            _FEE_TOKEN.safeTransfer(payout, paid);
        } else {
            _FEE_TOKEN.forceApprove(address(STAKE_VAULT), distributed);
            STAKE_VAULT.distribute(operator, distributed);
        }
    }

    /// @inheritdoc IInferenceSettlement
    function claimRoyalties(bytes32 modelId) external nonReentrant returns (uint256 amount) {
        amount = _royalties[modelId];
        require(amount != 0, InferenceSettlement_NoRoyalties(modelId));
        _royalties[modelId] = 0;
        address publisher = MODEL_REGISTRY.publisherOf(modelId);
        emit RoyaltiesClaimed(publisher, modelId, amount);
        _FEE_TOKEN.safeTransfer(publisher, amount);
    }

    /// @inheritdoc IInferenceSettlement
    function collect(address account) external nonReentrant returns (uint256 amount) {
        amount = credited(account);
        require(amount != 0, InferenceSettlement_NothingToClaim(account));
        _credits[account] = 0;
        if (account == RESERVE) _protocolFees = 0;
        emit CreditCollected(account, amount);
        _FEE_TOKEN.safeTransfer(account, amount);
    }

    /// @inheritdoc IInferenceSettlement
    function seize(address operator, uint256 amount, uint256 cutBps, address beneficiary)
        external
        restricted
        nonReentrant
        returns (uint256 actual)
    {
        require(cutBps <= MAX_CUT_BPS, InferenceSettlement_CutTooHigh(cutBps, MAX_CUT_BPS));
        (uint256 fromClaimable, uint256 fromLocked) = _advance(operator).take(amount);
        actual = fromClaimable + fromLocked;
        if (actual == 0) return 0;
        uint256 cut = Math.mulDiv(actual, cutBps, BPS);
        _credits[beneficiary] += cut;
        _credits[RESERVE] += actual - cut;
        emit EarningsSeized(operator, beneficiary, fromClaimable, fromLocked, cut);
    }

    /// @inheritdoc IInferenceSettlement
    function FEE_TOKEN() external view returns (address) {
        return address(_FEE_TOKEN);
    }

    /// @inheritdoc IInferenceSettlement
    function channel(address payer, address operator) external view returns (Channel memory) {
        return _channels[payer][operator];
    }

    /// @inheritdoc IInferenceSettlement
    function lane(address payer, address operator, bytes32 modelId) external view returns (Lane memory) {
        return _lanes[payer][operator][modelId];
    }

    /// @inheritdoc IInferenceSettlement
    function signer(address key) external view returns (Signer memory) {
        return _signers[key];
    }

    /// @inheritdoc IInferenceSettlement
    function earnings(address operator) external view returns (Earnings memory) {
        (uint256 locked, uint256 claimable) = _earnings[operator].balances(_epoch());
        return Earnings({locked: locked, claimable: claimable});
    }

    /// @inheritdoc IInferenceSettlement
    function royalties(bytes32 modelId) external view returns (uint256) {
        return _royalties[modelId];
    }

    /// @inheritdoc IInferenceSettlement
    function batchCount() external view returns (uint256) {
        return _batchCount;
    }

    /// @inheritdoc IInferenceSettlement
    function batchCommitment(uint256 batchId) external view returns (bytes32) {
        return _batchCommitments[batchId];
    }

    /// @inheritdoc IInferenceSettlement
    function credited(address account) public view returns (uint256) {
        return account == RESERVE ? _credits[account] + _protocolFees : _credits[account];
    }

    /// @inheritdoc IInferenceSettlement
    function voucherDigest(Voucher memory voucher) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(VOUCHER_TYPEHASH, voucher)));
    }

    /// @inheritdoc IInferenceSettlement
    function signerBindingDigest(address payer, address key) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(SIGNER_BINDING_TYPEHASH, payer, key)));
    }

    function _credit(address payer, address operator, address from, uint256 amount) private {
        require(amount != 0, InferenceSettlement_ZeroAmount());
        require(payer != address(0) && operator != address(0), InferenceSettlement_ZeroAddress());
        _channels[payer][operator].balance += amount.toUint128();
        emit Deposited(payer, operator, from, amount);
    }

    /// @dev Pays one voucher, whole or in part, or says why not.
    function _settleVoucher(Tab memory tab, Voucher memory voucher, bytes calldata signature) private {
        if (!_isSignedByPayer(voucher, signature)) {
            return _skip(tab, voucher, SkipReason.InvalidSigner, voucher.cumulativeFee);
        }
        Lane storage stored = _lanes[voucher.payer][tab.operator][voucher.modelId];
        Lane memory lane_ = stored;
        if (voucher.cumulativeFee <= lane_.fee) return _skip(tab, voucher, SkipReason.Stale, 0);
        uint128 due = voucher.cumulativeFee - lane_.fee;
        if (voucher.cumulativeUnits < lane_.units) return _skip(tab, voucher, SkipReason.UnitsDecreased, due);
        if (!lane_.open) {
            IOperatorRegistry.Offering memory offering = OPERATOR_REGISTRY.offering(tab.operator, voucher.modelId);
            if (offering.version == 0) return _skip(tab, voucher, SkipReason.NotOffered, due);
            lane_.royaltyBps = offering.royaltyBps;
            lane_.open = true;
        }

        Channel storage channel_ = _channels[voucher.payer][tab.operator];
        (uint128 balance, uint128 settled) = (channel_.balance, channel_.settled);
        uint128 fee = uint128(Math.min(due, balance - settled));
        if (fee == 0) return _skip(tab, voucher, SkipReason.Underfunded, due);
        uint64 units = voucher.cumulativeUnits - lane_.units;
        // Units follow the money, rounded down: the rest is counted when the rest is paid. A part fits where the whole did.
        // forge-lint: disable-next-line(unsafe-typecast)
        if (fee < due) units = uint64((uint256(units) * fee) / due);
        lane_.fee += fee;
        lane_.units += units;
        channel_.settled = settled + fee;
        (stored.fee, stored.units) = (lane_.fee, lane_.units);
        // Its first payment opens the lane.
        if (lane_.fee == fee) (stored.royaltyBps, stored.open) = (lane_.royaltyBps, true);
        _split(tab, voucher, units, fee, lane_);
        if (fee < due) _skip(tab, voucher, SkipReason.Underfunded, due - fee);
    }

    /// @dev Protocol fee and royalty of a lane round down over all it ever paid, so that slicing a fee into many vouchers
    ///      changes nothing; the operator's net is what is left, so the three sum to the fee. One base unit cannot pay
    ///      both: there the protocol comes first.
    function _split(Tab memory tab, Voucher memory voucher, uint64 units, uint128 fee, Lane memory lane_) private {
        (uint256 paid, uint256 before) = (lane_.fee, lane_.fee - fee);
        (uint128 protocolFee, uint128 royalty) = (0, 0);
        // A word holds 128 bits of fee times 16 bits of basis points, and shares of a fee fit where the fee did.
        // forge-lint: disable-start(unsafe-typecast)
        unchecked {
            protocolFee = uint128(paid * PROTOCOL_FEE_BPS / BPS - before * PROTOCOL_FEE_BPS / BPS);
            royalty = uint128(paid * lane_.royaltyBps / BPS - before * lane_.royaltyBps / BPS);
        }
        // forge-lint: disable-end(unsafe-typecast)
        if (protocolFee + royalty > fee) royalty = fee - protocolFee;
        if (royalty != 0) _royalties[voucher.modelId] += royalty;
        tab.protocolFees += protocolFee;
        tab.earned += fee - protocolFee - royalty;
        emit FeesSettled(tab.operator, voucher.payer, voucher.modelId, tab.batchId, units, fee, protocolFee, royalty);
    }

    function _skip(Tab memory tab, Voucher memory voucher, SkipReason reason, uint128 unpaid) private {
        emit VoucherSkipped(tab.operator, voucher.payer, voucher.modelId, tab.batchId, reason, unpaid);
    }

    /// @dev Moves matured earnings to claimable and says so.
    function _advance(address operator) private returns (EarningsRing.Ring storage ring) {
        ring = _earnings[operator];
        uint256 matured = ring.advance(_epoch());
        if (matured != 0) emit EarningsReleased(operator, matured);
    }

    function _isSignedByPayer(Voucher memory voucher, bytes calldata signature) private view returns (bool) {
        (address recovered, ECDSA.RecoverError failure,) = ECDSA.tryRecoverCalldata(voucherDigest(voucher), signature);
        if (failure != ECDSA.RecoverError.NoError) return false;
        if (recovered == voucher.payer) return true;
        Signer memory bound = _signers[recovered];
        return bound.payer == voucher.payer && block.timestamp <= bound.validUntil;
    }

    function _epoch() private view returns (uint64) {
        return uint64(block.timestamp) / EPOCH_DURATION;
    }

    function _requireDuration(uint64 duration, uint64 max) private pure {
        require(duration != 0 && duration <= max, InferenceSettlement_DurationOutOfRange(duration, 1, max));
    }
}
