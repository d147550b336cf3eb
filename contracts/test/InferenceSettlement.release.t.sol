// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IBatches} from "../src/interfaces/IBatches.sol";
import {IInferenceSettlement} from "../src/interfaces/IInferenceSettlement.sol";
import {SettlementBase} from "./SettlementBase.t.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

/// @notice `release` and `isBatch`.
contract InferenceSettlementReleaseTest is SettlementBase {
    uint256 private constant NET = 9.2 ether;

    uint256 private _batchId;

    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
        _batchId = _settleOne(_owed(10 ether, 1000));
    }

    function test_AReleaseLocksTheEarningsAndClosesTheRisk() public {
        assertEq(settlement.earnings(operator).undrawn, NET);
        assertEq(settlement.earnings(operator).locked, 0);
        assertEq(settlement.coverage(operator).openRisk, 10 ether);
        vm.expectEmit(address(settlement));
        emit IBatches.BatchReleased(operator, _batchId, 10 ether, NET);
        _release(_batchId);
        assertEq(settlement.earnings(operator).undrawn, 0);
        assertEq(settlement.earnings(operator).locked, NET);
        assertEq(settlement.coverage(operator).openRisk, 0);
    }

    /// @dev The dispute window begins with the release, however long that took.
    function test_TheWindowBeginsWithTheRelease() public {
        _skip(30 * EPOCH);
        assertEq(settlement.earnings(operator).claimable, 0);
        _release(_batchId);
        _skip(7 * EPOCH);
        assertEq(settlement.earnings(operator).locked, NET);
        _skip(EPOCH);
        assertEq(settlement.claim(operator), NET);
    }

    /// @dev Earnings that matured meanwhile are free first.
    function test_AReleaseLetsTheOldMature() public {
        _release(_batchId);
        uint256 second = _settleOne(_owed(20 ether, 2000));
        _skip(8 * EPOCH);
        vm.expectEmit(address(settlement));
        emit IInferenceSettlement.EarningsReleased(operator, NET);
        _release(second);
        assertEq(settlement.earnings(operator).claimable, NET);
        assertEq(settlement.earnings(operator).locked, NET);
    }

    function test_BatchesAreReleasedInAnyOrder() public {
        uint256 second = _settleOne(_owed(30 ether, 3000));
        _release(second);
        assertEq(settlement.earnings(operator).locked, 2 * NET);
        assertEq(settlement.earnings(operator).undrawn, NET);
        assertEq(settlement.coverage(operator).openRisk, 10 ether);
        _release(_batchId);
        assertEq(settlement.earnings(operator).locked, 3 * NET);
    }

    function test_ABatchThatPaidNothingIsReleasedToo() public {
        uint256 replay = _settleOne(_owed(10 ether, 1000));
        vm.expectEmit(address(settlement));
        emit IBatches.BatchReleased(operator, replay, 0, 0);
        _release(replay);
        assertEq(settlement.earnings(operator).undrawn, NET);
    }

    function test_ABatchIsOpenOrReleased() public {
        IBatches.Batch memory batch = batchOf[_batchId];
        assertTrue(settlement.isBatch(_batchId, batch, false));
        assertFalse(settlement.isBatch(_batchId, batch, true));
        _release(_batchId);
        assertFalse(settlement.isBatch(_batchId, batch, false));
        assertTrue(settlement.isBatch(_batchId, batch, true));
        assertEq(settlement.batchCommitment(_batchId), keccak256(abi.encode(_batchId, batch, true)));
    }

    function test_RevertWhen_AnyTermIsOther() public {
        IBatches.Batch memory batch = batchOf[_batchId];
        for (uint256 field = 0; field < 7; ++field) {
            // One bit of each word in turn, in the order of the struct.
            bytes memory encoded = abi.encode(batch);
            encoded[32 * field + 31] ^= 0x01;
            IBatches.Batch memory forged = abi.decode(encoded, (IBatches.Batch));
            assertFalse(settlement.isBatch(_batchId, forged, false));
            _expectWrongBatch(_batchId);
            vm.prank(auditor);
            settlement.release(_batchId, forged);
        }
    }

    function test_RevertWhen_TheBatchHasAnotherNumber() public {
        IBatches.Batch memory batch = batchOf[_batchId];
        _expectWrongBatch(_batchId + 1);
        vm.prank(auditor);
        settlement.release(_batchId + 1, batch);
    }

    function test_RevertWhen_TheBatchWasReleased() public {
        _release(_batchId);
        _expectWrongBatch(_batchId);
        _release(_batchId);
    }

    function test_RevertWhen_TheCallerIsNotTheAuditor() public {
        address[5] memory callers = [attacker, operator, admin, governor, address(slasher)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, callers[i]));
            vm.prank(callers[i]);
            settlement.release(_batchId, batchOf[_batchId]);
        }
    }

    function testFuzz_ReleasesMoveNoMoreThanSeizuresLeft(uint128 first, uint128 second, uint256 seized, bool reversed)
        public
    {
        _release(_batchId);
        first = uint128(bound(first, 10 ether + 1, 50 ether));
        second = uint128(bound(second, first + 1, 100 ether));
        uint256[2] memory batches = [_settleOne(_owed(first, 1000)), _settleOne(_owed(second, 1000))];
        seized = bound(seized, 0, _escrowed(operator));
        vm.prank(address(slasher));
        settlement.seize(_seizure(operator, seized, 0, address(0)));
        uint256 left = _escrowed(operator);
        _release(batches[reversed ? 1 : 0]);
        _release(batches[reversed ? 0 : 1]);
        assertEq(settlement.earnings(operator).undrawn, 0);
        assertEq(settlement.earnings(operator).locked, left);
        assertEq(settlement.coverage(operator).openRisk, 0);
    }

    function _expectWrongBatch(uint256 batchId) private {
        vm.expectRevert(abi.encodeWithSelector(IBatches.Batches_WrongBatch.selector, batchId));
    }
}
