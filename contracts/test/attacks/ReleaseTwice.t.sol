// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IBatches} from "../../src/interfaces/IBatches.sol";
import {SettlementBase} from "../SettlementBase.t.sol";

/// @notice Attack: have one batch released twice, so that it frees the earnings and the risk of others that are still open.
contract ReleaseTwiceTest is SettlementBase {
    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
    }

    /// @dev Two batches of the same terms but for their numbers: one cannot stand in for the other either.
    function test_ABatchFreesItsOwnEarningsOnce() public {
        uint256 honest = _settleOne(_owed(10 ether, 1000));
        uint256 wrong = _settleOne(_owed(20 ether, 2000));
        batchOf[honest].settledAt = batchOf[wrong].settledAt;
        assertEq(abi.encode(batchOf[honest]), abi.encode(batchOf[wrong]));
        _release(honest);
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IBatches.Batches_WrongBatch.selector, honest));
            _release(honest);
            _skip(EPOCH);
        }
        assertEq(settlement.earnings(operator).undrawn, 9.2 ether);
        assertEq(settlement.coverage(operator).openRisk, 10 ether);
        assertTrue(settlement.isBatch(wrong, batchOf[wrong], false));
    }
}
