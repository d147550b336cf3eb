// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../src/interfaces/IInferenceSettlement.sol";
import {Base} from "./Base.t.sol";

/// @notice One registered operator that serves the model, and batches of several vouchers.
abstract contract SettlementBase is Base {
    bytes32 internal constant RECEIPTS_ROOT = keccak256("receipts");
    uint32 internal constant RECEIPT_COUNT = 1000;
    string internal constant EVIDENCE_URI = "ipfs://receipts";

    address internal operator;
    address internal settler;

    IInferenceSettlement.Voucher[] private _vouchers;
    bytes[] private _signatures;

    function setUp() public virtual override {
        super.setUp();
        operator = _registerOperator("operator");
        settler = settlerOf[operator];
    }

    /// @dev A voucher of `payer` to `operator` in the lane of the model.
    function _owed(uint128 cumulativeFee, uint64 cumulativeUnits)
        internal
        view
        returns (IInferenceSettlement.Voucher memory)
    {
        return _voucher(payer.addr, operator, cumulativeFee, cumulativeUnits);
    }

    /// @dev Adds a voucher to the batch that `_settleBatch` sends.
    function _add(IInferenceSettlement.Voucher memory voucher, bytes memory signature) internal {
        _vouchers.push(voucher);
        _signatures.push(signature);
    }

    function _add(IInferenceSettlement.Voucher memory voucher) internal {
        _add(voucher, _signVoucher(voucher, payer));
    }

    function _settleBatch() internal returns (uint256 batchId) {
        batchId = _settleBatch(0);
    }

    function _settleBatch(uint128 declaredRisk) internal returns (uint256 batchId) {
        (IInferenceSettlement.Voucher[] memory vouchers, bytes[] memory signatures) = (_vouchers, _signatures);
        delete _vouchers;
        delete _signatures;
        vm.recordLogs();
        vm.prank(settler);
        batchId = settlement.settle(vouchers, signatures, RECEIPTS_ROOT, RECEIPT_COUNT, declaredRisk, EVIDENCE_URI);
        _noteBatches();
    }

    /// @dev Settles one voucher signed by `payer`.
    function _settleOne(IInferenceSettlement.Voucher memory voucher) internal returns (uint256 batchId) {
        _add(voucher);
        batchId = _settleBatch();
    }

    function _batch(IInferenceSettlement.Voucher memory voucher, bytes memory signature)
        internal
        pure
        returns (IInferenceSettlement.Voucher[] memory vouchers, bytes[] memory signatures)
    {
        vouchers = new IInferenceSettlement.Voucher[](1);
        vouchers[0] = voucher;
        signatures = new bytes[](1);
        signatures[0] = signature;
    }

    function _expectSkip(
        IInferenceSettlement.Voucher memory voucher,
        IInferenceSettlement.SkipReason reason,
        uint128 unpaid
    ) internal {
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.VoucherSkipped(
            voucher.operator, voucher.payer, voucher.modelId, settlement.batchCount() + 1, reason, unpaid
        );
    }

    function _expectPaid(IInferenceSettlement.Voucher memory voucher, uint64 units, uint128 fee) internal {
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.FeesSettled(
            voucher.operator,
            voucher.payer,
            voucher.modelId,
            settlement.batchCount() + 1,
            units,
            fee,
            fee * PROTOCOL_FEE_BPS / 10_000,
            fee * ROYALTY_BPS / 10_000
        );
    }

    /// @dev Settles a voucher whose signature does not fit, which must pay nobody.
    function _expectUnpaid(IInferenceSettlement.Voucher memory voucher, bytes memory signature) internal {
        uint128 settled = settlement.channel(voucher.payer, operator).settled;
        _add(voucher, signature);
        _expectSkip(voucher, IInferenceSettlement.SkipReason.InvalidSigner, voucher.cumulativeFee);
        _settleBatch();
        assertEq(settlement.channel(voucher.payer, operator).settled, settled);
    }

    function _channel() internal view returns (IInferenceSettlement.Channel memory) {
        return settlement.channel(payer.addr, operator);
    }

    function _lane() internal view returns (IInferenceSettlement.Lane memory) {
        return settlement.lane(payer.addr, operator, modelId);
    }

    function _authorize(Account memory payer_, Account memory key, uint64 validUntil) internal {
        bytes memory proof = _signSignerBinding(payer_.addr, key);
        vm.prank(payer_.addr);
        settlement.authorizeSigner(key.addr, validUntil, proof);
    }

    /// @dev Present and future claims on the settlement's tokens of one operator.
    function _escrowed(address operator_) internal view returns (uint256) {
        IInferenceSettlement.Earnings memory earnings = settlement.earnings(operator_);
        return earnings.locked + earnings.claimable + earnings.undrawn;
    }

    /// @dev Releases every batch and waits until everything earned so far can be claimed.
    function _mature() internal {
        _releaseAll();
        _skip(8 * EPOCH);
    }
}
