// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IBatches} from "../src/interfaces/IBatches.sol";
import {IInferenceSettlement} from "../src/interfaces/IInferenceSettlement.sol";
import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {SettlementBase} from "./SettlementBase.t.sol";

contract InferenceSettlementSettleTest is SettlementBase {
    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
    }

    function test_TheDigestIsTheOneOfTheTypeString() public view {
        IInferenceSettlement.Voucher memory voucher = _owed(10 ether, 1000);
        assertEq(settlement.voucherDigest(voucher), _voucherDigest(voucher));
    }

    function test_AVoucherIsPaidAndSplit() public {
        IInferenceSettlement.Voucher memory voucher = _owed(10 ether, 1000);
        _expectPaid(voucher, 1000, 10 ether);
        assertEq(_settleOne(voucher), 1);

        IInferenceSettlement.Lane memory lane = _lane();
        assertEq(lane.fee, 10 ether);
        assertEq(lane.units, 1000);
        assertEq(lane.royaltyBps, ROYALTY_BPS);
        assertTrue(lane.open);
        assertEq(_channel().settled, 10 ether);
        assertEq(_channel().balance, 100 ether);
        assertEq(settlement.credited(reserve), 0.5 ether);
        assertEq(settlement.royalties(modelId), 0.3 ether);
        assertEq(settlement.earnings(operator).undrawn, 9.2 ether);
        assertEq(settlement.earnings(operator).locked, 0);
        assertEq(settlement.earnings(operator).claimable, 0);
        assertEq(settlement.protocolFeesCharged(), 0.5 ether);
    }

    function test_TheBatchCommitsToItsReceipts() public {
        _skip(5 days);
        _add(_owed(10 ether, 1000));
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.BatchSettled(
            operator, 1, RECEIPTS_ROOT, RECEIPT_COUNT, 9.2 ether, 10 ether, EVIDENCE_URI
        );
        uint256 batchId = _settleBatch();
        assertEq(settlement.batchCount(), 1);
        IBatches.Batch memory batch = IBatches.Batch({
            operator: operator,
            settledAt: _now(),
            settledBlock: _blockNumber(),
            receiptCount: RECEIPT_COUNT,
            receiptsRoot: RECEIPTS_ROOT,
            earned: 9.2 ether,
            risk: 10 ether
        });
        assertEq(settlement.batchCommitment(batchId), keccak256(abi.encode(batchId, batch, false)));
        assertEq(settlement.batchCommitment(2), 0);
        assertTrue(settlement.isBatch(batchId, batch, false));
        assertEq(abi.encode(batchOf[batchId]), abi.encode(batch), "the event and its block tell it all");
    }

    function test_TheOperatorItselfMaySettle() public {
        IInferenceSettlement.Voucher memory voucher = _owed(10 ether, 1000);
        _settle(voucher, _signVoucher(voucher, payer));
        assertEq(_lane().fee, 10 ether);
    }

    function test_LaterVouchersPayWhatIsNew() public {
        _settleOne(_owed(10 ether, 1000));
        _expectPaid(_owed(25 ether, 1700), 700, 15 ether);
        _settleOne(_owed(25 ether, 1700));
        assertEq(_lane().fee, 25 ether);
        assertEq(_lane().units, 1700);
        assertEq(_channel().settled, 25 ether);
    }

    function test_ABatchPaysSeveralPayersAndModels() public {
        bytes32 otherModel = _serveOtherModel(0);
        _deposit(secondPayer.addr, operator, 7 ether);
        IInferenceSettlement.Voucher memory other = _owed(2 ether, 20);
        other.modelId = otherModel;
        IInferenceSettlement.Voucher memory second = _voucher(secondPayer.addr, operator, 7 ether, 70);
        _add(_owed(1 ether, 10));
        _add(other);
        _add(second, _signVoucher(second, secondPayer));
        _settleBatch();
        assertEq(_channel().settled, 3 ether);
        assertEq(settlement.channel(secondPayer.addr, operator).settled, 7 ether);
        assertEq(settlement.lane(payer.addr, operator, otherModel).fee, 2 ether);
        assertEq(settlement.royalties(otherModel), 0);
        assertEq(settlement.royalties(modelId), 0.24 ether);
        assertEq(settlement.credited(reserve), 0.5 ether);
        assertEq(settlement.earnings(operator).undrawn, 10 ether - 0.24 ether - 0.5 ether);
    }

    function test_TheRoyaltyIsFixedForTheLane() public {
        _settleOne(_owed(10 ether, 1000));
        vm.prank(publisher);
        modelRegistry.publishVersion(modelId, "better", IModelRegistry.Mode.Reexecution, 2000, "ipfs://better");
        vm.prank(operator);
        operatorRegistry.serve(modelId, 2, 1 gwei);
        _settleOne(_owed(20 ether, 2000));
        assertEq(settlement.royalties(modelId), 0.6 ether);

        // A lane that opens later pays the version that is offered by then.
        _deposit(secondPayer.addr, operator, 10 ether);
        IInferenceSettlement.Voucher memory second = _voucher(secondPayer.addr, operator, 10 ether, 1000);
        _add(second, _signVoucher(second, secondPayer));
        _settleBatch();
        assertEq(settlement.royalties(modelId), 2.6 ether);
    }

    function test_WorkDoneIsPaidAfterTheOperatorStoppedServing() public {
        vm.prank(operator);
        operatorRegistry.stopServing(modelId);
        _settleOne(_owed(10 ether, 1000));
        vm.prank(operator);
        operatorRegistry.exit();
        _settleOne(_owed(20 ether, 2000));
        assertEq(_lane().fee, 20 ether);
    }

    function test_AnUnderfundedVoucherPaysInPartAndTheRestLater() public {
        IInferenceSettlement.Voucher memory voucher = _owed(150 ether, 1500);
        _expectPaid(voucher, 1000, 100 ether);
        _expectSkip(voucher, IInferenceSettlement.SkipReason.Underfunded, 50 ether);
        _settleOne(voucher);
        assertEq(_lane().fee, 100 ether);
        assertEq(_lane().units, 1000);

        _deposit(payer.addr, operator, 60 ether);
        _expectPaid(voucher, 500, 50 ether);
        _settleOne(voucher);
        assertEq(_lane().fee, 150 ether);
        assertEq(_lane().units, 1500);
        assertEq(_channel().balance - _channel().settled, 10 ether);
    }

    /// @dev Units follow the money rounded down and sum to the voucher's in the end.
    function testFuzz_PartialPaymentsSumToTheVoucher(uint128 fee, uint64 units, uint128 first, uint128 second) public {
        fee = uint128(bound(fee, 100 ether + 2, 1e23));
        first = uint128(bound(first, 1, fee - 100 ether - 1));
        second = uint128(bound(second, fee - 100 ether - first, 1e23));
        IInferenceSettlement.Voucher memory voucher = _owed(fee, units);
        _settleOne(voucher);
        assertEq(_lane().units, uint256(units) * 100 ether / fee);
        _deposit(payer.addr, operator, first);
        _settleOne(voucher);
        assertLe(_lane().units, units);
        assertEq(_lane().fee, 100 ether + first);
        _deposit(payer.addr, operator, second);
        _settleOne(voucher);
        assertEq(_lane().fee, fee);
        assertEq(_lane().units, units);
        assertEq(
            settlement.credited(reserve) + settlement.royalties(modelId) + settlement.earnings(operator).undrawn, fee
        );
    }

    function testFuzz_TheSplitSumsToTheFee(uint128 fee) public {
        fee = uint128(bound(fee, 1, 100 ether));
        _settleOne(_owed(fee, 1));
        uint256 protocolFee = uint256(fee) * PROTOCOL_FEE_BPS / 10_000;
        uint256 royalty = uint256(fee) * ROYALTY_BPS / 10_000;
        assertEq(settlement.credited(reserve), protocolFee);
        assertEq(settlement.royalties(modelId), royalty);
        assertEq(settlement.earnings(operator).undrawn, fee - protocolFee - royalty);
    }

    /// @dev However finely an operator slices what it is owed, protocol and publisher get the same to the base unit.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_SlicingAFeeDoesNotChangeTheSplit(uint128 fee, uint256 slices) public {
        fee = uint128(bound(fee, 100, 5000));
        slices = bound(slices, 1, 50);
        for (uint256 i = 1; i <= slices; ++i) {
            // At most the fee.
            // forge-lint: disable-next-line(unsafe-typecast)
            _add(_owed(uint128(fee * i / slices), 1));
        }
        _settleBatch();
        assertEq(settlement.credited(reserve), uint256(fee) * PROTOCOL_FEE_BPS / 10_000);
        assertEq(settlement.royalties(modelId), uint256(fee) * ROYALTY_BPS / 10_000);
        assertEq(_channel().settled, fee);
    }

    /// @dev 5 % and 20 % of 20 both grow by one base unit with the last of them, which cannot pay two.
    function test_AFeeOfOneBaseUnitIsNeverOverspent() public {
        bytes32 otherModel = _serveOtherModel(2000);
        for (uint128 fee = 1; fee <= 20; ++fee) {
            IInferenceSettlement.Voucher memory voucher = _owed(fee, 1);
            voucher.modelId = otherModel;
            _settleOne(voucher);
        }
        assertEq(settlement.credited(reserve), 1);
        assertEq(settlement.royalties(otherModel), 3);
        assertEq(settlement.earnings(operator).undrawn, 16);
    }

    function test_AFullBatchSettles() public {
        for (uint256 i = 1; i <= 256; ++i) {
            // forge-lint: disable-next-line(unsafe-typecast)
            _add(_owed(uint128(i), uint64(i)));
        }
        _settleBatch();
        assertEq(_lane().fee, 256);
    }

    function test_RevertWhen_TheBatchIsEmpty() public {
        _expectBatchSize(0, 0);
        _settleBatch();
    }

    function test_RevertWhen_TheBatchIsTooLarge() public {
        for (uint256 i = 1; i <= 257; ++i) {
            // forge-lint: disable-next-line(unsafe-typecast)
            _add(_owed(uint128(i), uint64(i)), "");
        }
        _expectBatchSize(257, 257);
        _settleBatch();
    }

    function test_RevertWhen_ASignatureIsMissing() public {
        (IInferenceSettlement.Voucher[] memory vouchers,) = _batch(_owed(1, 1), "");
        _expectBatchSize(1, 0);
        vm.prank(settler);
        settlement.settle(vouchers, new bytes[](0), RECEIPTS_ROOT, RECEIPT_COUNT, 0, EVIDENCE_URI);
    }

    function test_RevertWhen_ThereAreNoReceipts() public {
        IInferenceSettlement.Voucher memory voucher = _owed(1 ether, 1);
        (IInferenceSettlement.Voucher[] memory vouchers, bytes[] memory signatures) =
            _batch(voucher, _signVoucher(voucher, payer));
        vm.startPrank(settler);
        vm.expectRevert(IInferenceSettlement.InferenceSettlement_EmptyReceipts.selector);
        settlement.settle(vouchers, signatures, bytes32(0), RECEIPT_COUNT, 0, EVIDENCE_URI);
        vm.expectRevert(IInferenceSettlement.InferenceSettlement_EmptyReceipts.selector);
        settlement.settle(vouchers, signatures, RECEIPTS_ROOT, 0, 0, EVIDENCE_URI);
    }

    function test_RevertWhen_TheCallerIsNotTheSettler() public {
        IInferenceSettlement.Voucher memory voucher = _owed(1 ether, 1);
        (IInferenceSettlement.Voucher[] memory vouchers, bytes[] memory signatures) =
            _batch(voucher, _signVoucher(voucher, payer));
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_NotSettler.selector, payer.addr, operator)
        );
        vm.prank(payer.addr);
        settlement.settle(vouchers, signatures, RECEIPTS_ROOT, RECEIPT_COUNT, 0, EVIDENCE_URI);
    }

    function test_RevertWhen_TheSettlerWasReplaced() public {
        vm.prank(operator);
        operatorRegistry.changeSettler(address(0));
        _add(_owed(1 ether, 1));
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_NotSettler.selector, settler, operator)
        );
        _settleBatch();
    }

    function test_RevertWhen_TheOperatorWasNeverRegistered() public {
        IInferenceSettlement.Voucher memory voucher = _voucher(payer.addr, attacker, 1 ether, 1);
        (IInferenceSettlement.Voucher[] memory vouchers, bytes[] memory signatures) =
            _batch(voucher, _signVoucher(voucher, payer));
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_NotRegistered.selector, attacker));
        vm.prank(attacker);
        settlement.settle(vouchers, signatures, RECEIPTS_ROOT, RECEIPT_COUNT, 0, EVIDENCE_URI);
    }

    function test_RevertWhen_ABatchNamesTwoOperators() public {
        address other = _registerOperator("other operator");
        IInferenceSettlement.Voucher memory foreign = _voucher(payer.addr, other, 1 ether, 1);
        _add(_owed(1 ether, 1));
        _add(foreign);
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_MixedOperators.selector, 1, other, operator)
        );
        _settleBatch();
    }

    function _expectBatchSize(uint256 vouchers, uint256 signatures) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceSettlement.InferenceSettlement_BatchSize.selector, vouchers, signatures, 256
            )
        );
    }

    function _serveOtherModel(uint16 royaltyBps) private returns (bytes32 otherModel) {
        vm.prank(publisher);
        otherModel = modelRegistry.registerModel(
            keccak256("other weights"), 0, IModelRegistry.Mode.Tolerance, royaltyBps, "ipfs://other", 0
        );
        vm.prank(operator);
        operatorRegistry.serve(otherModel, 1, 1 gwei);
    }
}
