// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IERC3009Receive} from "../interfaces/IERC3009Receive.sol";
import {IInferenceSettlement} from "../interfaces/IInferenceSettlement.sol";
import {ExactTransfer} from "../libraries/ExactTransfer.sol";
import {PauseClock} from "./PauseClock.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title The payers' side of the settlement: channels, exits and session keys
/// @notice `exitAt` and `validUntil` are stored on the pause clock.
abstract contract Channels is PauseClock, EIP712, ReentrancyGuardTransient {
    using ExactTransfer for IERC20;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    bytes32 private constant VOUCHER_TYPEHASH = keccak256(
        "Voucher(address payer,address operator,bytes32 modelId,uint128 cumulativeFee,uint64 cumulativeUnits)"
    );
    bytes32 private constant SIGNER_BINDING_TYPEHASH = keccak256("SignerBinding(address payer,address signer)");
    uint64 private constant MAX_EXIT_DELAY = 90 days;

    IERC20 internal immutable _FEE_TOKEN;
    uint64 public immutable EXIT_DELAY;

    mapping(address payer => mapping(address operator => Channel)) internal _channels;
    mapping(address key => Signer) private _signers;

    constructor(IERC20 feeToken, uint64 exitDelay) EIP712("Plumbline InferenceSettlement", "1") {
        require(address(feeToken) != address(0), InferenceSettlement_ZeroAddress());
        _requireDuration(exitDelay, MAX_EXIT_DELAY);
        _FEE_TOKEN = feeToken;
        EXIT_DELAY = exitDelay;
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
        uint64 current = _deadline(bound.validUntil);
        require(
            bound.payer == address(0) || validUntil >= current,
            InferenceSettlement_ValidityShortened(validUntil, current)
        );
        (address recovered,,) = ECDSA.tryRecoverCalldata(signerBindingDigest(msg.sender, key), proof);
        require(recovered == key && key != address(0), InferenceSettlement_InvalidSignerProof(key, recovered));
        // The end of time, kept before a pause, is later on this clock than the end of time kept after it.
        uint64 kept = uint64(Math.max(validUntil - pausedSeconds(), bound.validUntil));
        _signers[key] = Signer({payer: msg.sender, validUntil: kept});
        emit SignerAuthorized(msg.sender, key, validUntil);
    }

    /// @inheritdoc IInferenceSettlement
    function revokeSigner(address key) external {
        Signer memory bound = _signers[key];
        require(bound.payer == msg.sender, InferenceSettlement_SignerUnknown(key, msg.sender));
        uint64 kept = uint64(Math.min(bound.validUntil, _running() + EXIT_DELAY));
        _signers[key].validUntil = kept;
        emit SignerRevoked(msg.sender, key, _deadline(kept));
    }

    /// @inheritdoc IInferenceSettlement
    function startExit(address operator) external {
        Channel storage channel_ = _channels[msg.sender][operator];
        require(channel_.exitAt == 0, InferenceSettlement_ExitAlreadyStarted(_deadline(channel_.exitAt)));
        channel_.exitAt = _running() + EXIT_DELAY;
        emit ExitStarted(msg.sender, operator, uint64(block.timestamp) + EXIT_DELAY);
    }

    /// @inheritdoc IInferenceSettlement
    function cancelExit(address operator) external {
        Channel storage channel_ = _channels[msg.sender][operator];
        require(channel_.exitAt != 0, InferenceSettlement_NoExit(msg.sender, operator));
        channel_.exitAt = 0;
        emit ExitCancelled(msg.sender, operator);
    }

    /// @inheritdoc IInferenceSettlement
    function finishExit(address operator) external whenNotPaused nonReentrant returns (uint256 amount) {
        Channel storage channel_ = _channels[msg.sender][operator];
        uint64 exitAt = channel_.exitAt;
        require(exitAt != 0, InferenceSettlement_NoExit(msg.sender, operator));
        require(_running() >= exitAt, InferenceSettlement_ExitNotReady(_deadline(exitAt)));
        amount = channel_.balance - channel_.settled;
        channel_.balance = channel_.settled;
        channel_.exitAt = 0;
        emit ExitFinished(msg.sender, operator, amount);
        _FEE_TOKEN.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IInferenceSettlement
    function FEE_TOKEN() external view returns (address) {
        return address(_FEE_TOKEN);
    }

    /// @inheritdoc IInferenceSettlement
    function channel(address payer, address operator) external view returns (Channel memory channel_) {
        channel_ = _channels[payer][operator];
        if (channel_.exitAt != 0) channel_.exitAt = _deadline(channel_.exitAt);
    }

    /// @inheritdoc IInferenceSettlement
    function signer(address key) external view returns (Signer memory signer_) {
        signer_ = _signers[key];
        if (signer_.payer != address(0)) signer_.validUntil = _deadline(signer_.validUntil);
    }

    /// @inheritdoc IInferenceSettlement
    function voucherDigest(Voucher memory voucher) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(VOUCHER_TYPEHASH, voucher)));
    }

    /// @inheritdoc IInferenceSettlement
    function signerBindingDigest(address payer, address key) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(SIGNER_BINDING_TYPEHASH, payer, key)));
    }

    function _isSignedByPayer(Voucher memory voucher, bytes calldata signature) internal view returns (bool) {
        (address recovered, ECDSA.RecoverError failure,) = ECDSA.tryRecoverCalldata(voucherDigest(voucher), signature);
        if (failure != ECDSA.RecoverError.NoError) return false;
        if (recovered == voucher.payer) return true;
        Signer memory bound = _signers[recovered];
        return bound.payer == voucher.payer && _running() <= bound.validUntil;
    }

    function _credit(address payer, address operator, address from, uint256 amount) private {
        require(amount != 0, InferenceSettlement_ZeroAmount());
        require(payer != address(0) && operator != address(0), InferenceSettlement_ZeroAddress());
        _channels[payer][operator].balance += amount.toUint128();
        emit Deposited(payer, operator, from, amount);
    }

    function _requireDuration(uint64 duration, uint64 max) internal pure {
        require(duration != 0 && duration <= max, InferenceSettlement_DurationOutOfRange(duration, 1, max));
    }
}
