// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../src/interfaces/IInferenceSettlement.sol";
import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {SettlementBase} from "./SettlementBase.t.sol";

/// @notice What cannot be paid is skipped, says why, and leaves everything else in the batch alone.
contract InferenceSettlementSkipTest is SettlementBase {
    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
    }

    function test_AVoucherOfAStrangerIsSkipped() public {
        IInferenceSettlement.Voucher memory voucher = _owed(10 ether, 1000);
        _skipped(voucher, _signVoucher(voucher, secondPayer), IInferenceSettlement.SkipReason.InvalidSigner, 10 ether);
    }

    function testFuzz_ASignatureOfAnyOtherLengthIsSkipped(bytes memory signature) public {
        vm.assume(signature.length != 65);
        _skipped(_owed(10 ether, 1000), signature, IInferenceSettlement.SkipReason.InvalidSigner, 10 ether);
    }

    function testFuzz_AForgedSignatureIsSkipped(bytes32 r, bytes32 s, uint8 v) public {
        bytes memory signature = abi.encodePacked(r, s, v);
        _skipped(_owed(10 ether, 1000), signature, IInferenceSettlement.SkipReason.InvalidSigner, 10 ether);
    }

    function test_TheMirroredSignatureIsSkipped() public {
        IInferenceSettlement.Voucher memory voucher = _owed(10 ether, 1000);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(payer.key, _voucherDigest(voucher));
        bytes memory mirrored = abi.encodePacked(r, SECP256K1_ORDER - uint256(s), v == 27 ? uint8(28) : uint8(27));
        _skipped(voucher, mirrored, IInferenceSettlement.SkipReason.InvalidSigner, 10 ether);
    }

    /// @dev No key signs for nobody: a recovery that fails and an unbound key both give zeros.
    function test_AVoucherOfPayerZeroIsSkipped() public {
        IInferenceSettlement.Voucher memory voucher = _voucher(address(0), operator, 10 ether, 1000);
        _skipped(voucher, "", IInferenceSettlement.SkipReason.InvalidSigner, 10 ether);
        _skipped(voucher, _signVoucher(voucher, sessionKey), IInferenceSettlement.SkipReason.InvalidSigner, 10 ether);
    }

    function test_AReplayIsSkippedAsStale() public {
        IInferenceSettlement.Voucher memory voucher = _owed(10 ether, 1000);
        _settleOne(voucher);
        _skipped(voucher, _signVoucher(voucher, payer), IInferenceSettlement.SkipReason.Stale, 0);
    }

    function test_AnOlderVoucherIsSkippedAsStale() public {
        _settleOne(_owed(10 ether, 1000));
        IInferenceSettlement.Voucher memory older = _owed(9 ether, 900);
        _skipped(older, _signVoucher(older, payer), IInferenceSettlement.SkipReason.Stale, 0);
    }

    function test_AnEmptyVoucherIsSkippedAsStale() public {
        IInferenceSettlement.Voucher memory voucher = _owed(0, 0);
        _skipped(voucher, _signVoucher(voucher, payer), IInferenceSettlement.SkipReason.Stale, 0);
        assertFalse(_lane().open);
    }

    function test_FewerUnitsThanSettledAreSkipped() public {
        _settleOne(_owed(10 ether, 1000));
        IInferenceSettlement.Voucher memory voucher = _owed(11 ether, 999);
        _skipped(voucher, _signVoucher(voucher, payer), IInferenceSettlement.SkipReason.UnitsDecreased, 1 ether);
    }

    function test_AModelThatWasNeverOfferedIsSkippedUntilItIs() public {
        vm.prank(publisher);
        bytes32 otherModel =
            modelRegistry.registerModel(keccak256("other weights"), 0, IModelRegistry.Mode.Proof, 0, "ipfs://other", 0);
        IInferenceSettlement.Voucher memory voucher = _owed(10 ether, 1000);
        voucher.modelId = otherModel;
        _skipped(voucher, _signVoucher(voucher, payer), IInferenceSettlement.SkipReason.NotOffered, 10 ether);
        assertFalse(settlement.lane(payer.addr, operator, otherModel).open);

        vm.prank(operator);
        operatorRegistry.serve(otherModel, 1, 1 gwei);
        _settleOne(voucher);
        assertEq(settlement.lane(payer.addr, operator, otherModel).fee, 10 ether);
    }

    function test_AnEmptyChannelIsSkippedAsUnderfunded() public {
        IInferenceSettlement.Voucher memory voucher = _voucher(secondPayer.addr, operator, 10 ether, 1000);
        _skipped(voucher, _signVoucher(voucher, secondPayer), IInferenceSettlement.SkipReason.Underfunded, 10 ether);
        assertFalse(settlement.lane(secondPayer.addr, operator, modelId).open);
    }

    function test_ABatchOfSkippedVouchersStillCommitsItsReceipts() public {
        _add(_owed(10 ether, 1000), "");
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.BatchSettled(operator, 1, RECEIPTS_ROOT, RECEIPT_COUNT, 0, 0, EVIDENCE_URI);
        assertEq(_settleBatch(), 1);
        assertEq(_escrowed(operator), 0);
    }

    function test_ASkippedVoucherLeavesTheOthersAlone() public {
        _add(_owed(10 ether, 1000), "");
        _add(_owed(5 ether, 500));
        _add(_owed(5 ether, 500));
        _add(_owed(6 ether, 400));
        _add(_owed(7 ether, 700));
        _settleBatch();
        assertEq(_lane().fee, 7 ether);
        assertEq(_lane().units, 700);
    }

    /// @dev Settles a batch of one that must be skipped, and that must leave channel and lane as they were.
    function _skipped(
        IInferenceSettlement.Voucher memory voucher,
        bytes memory signature,
        IInferenceSettlement.SkipReason reason,
        uint128 unpaid
    ) private {
        bytes32 before = _state(voucher);
        _add(voucher, signature);
        _expectSkip(voucher, reason, unpaid);
        _settleBatch();
        assertEq(_state(voucher), before, "a skipped voucher changes nothing");
    }

    function _state(IInferenceSettlement.Voucher memory voucher) private view returns (bytes32) {
        return keccak256(
            abi.encode(
                settlement.channel(voucher.payer, operator),
                settlement.lane(voucher.payer, operator, voucher.modelId),
                settlement.earnings(operator),
                settlement.credited(reserve),
                settlement.royalties(voucher.modelId)
            )
        );
    }
}
