// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {OraclePrices} from "./OraclePrices.sol";

/// @notice Attack: take risk by a price of yesterday, after the stake has lost its worth and the feed has gone quiet.
contract StalePriceAdmissionTest is OraclePrices {
    function test_NoRiskIsAdmittedByAPriceOfYesterday() public {
        uint256 batchId = _settleOne(_owed(50 ether, 50));
        _skip(MAX_AGE + 1);
        assertEq(settlement.coverage(operator).headroom, 0);
        _expectSkip(_owed(60 ether, 60), IInferenceSettlement.SkipReason.Uncovered, 10 ether);
        _settleOne(_owed(60 ether, 60));
        _add(_owed(60 ether, 60));
        vm.expectRevert(abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_Uncovered.selector, 1, 0));
        _settleBatch(1);

        // What was admitted goes its way: released, claimed, left.
        _release(batchId);
        vm.prank(payer.addr);
        settlement.startExit(operator);
        _skip(8 * EPOCH);
        settlement.claim(operator);
        vm.prank(payer.addr);
        settlement.finishExit(operator);
        assertEq(settlement.coverage(operator).openRisk, 0);
    }

    /// @dev A fresh answer alone is not enough: the average must have been kept as well.
    function test_AnAnswerWithoutAnAverageAdmitsNothing() public {
        _skip(6 hours + 1);
        feed.setAnswer(ONE);
        assertEq(settlement.coverage(operator).headroom, 0);
        oracle.update();
        assertGt(settlement.coverage(operator).headroom, 0);
    }

    /// @dev Nor does an operator wait for a feed that never comes back with its price frozen high: the last known price
    ///      counts for audits, never for admission.
    function test_ADeadFeedAdmitsNothingForEver() public {
        vm.etch(address(feed), "");
        assertEq(settlement.coverage(operator).headroom, 0);
        assertEq(settlement.coverage(operator).collateral, COLLATERAL);
        _skip(365 days);
        assertEq(settlement.coverage(operator).headroom, 0);
        assertEq(settlement.coverage(operator).collateral, COLLATERAL);
    }
}
