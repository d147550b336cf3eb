// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {SettlementBase} from "../SettlementBase.t.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

/// @notice Attack: get paid for a batch that nobody drew, by waiting, by claiming, or by asking oneself.
contract ReleaseWithoutAuditorTest is SettlementBase {
    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
    }

    function test_WithoutAReleaseNothingIsEverPaid() public {
        uint256 batchId = _settleOne(_owed(50 ether, 50));
        address[3] memory callers = [operator, settler, address(slasher)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, callers[i]));
            vm.prank(callers[i]);
            settlement.release(batchId, batchOf[batchId]);
        }
        _skip(10 * 365 days);
        // New batches bring the ring up to date, but move nothing of the old.
        _settleOne(_owed(60 ether, 60));
        _skip(8 * EPOCH);
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_NothingToClaim.selector, operator)
        );
        settlement.claim(operator);
        assertEq(settlement.earnings(operator).undrawn, 55.2 ether);

        // A fault reaches it all the while.
        vm.prank(address(slasher));
        assertEq(settlement.seize(_seizure(operator, 100 ether, 0, address(0))), 55.2 ether);
    }
}
