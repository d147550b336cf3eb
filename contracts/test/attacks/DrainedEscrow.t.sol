// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {SettlementBase} from "../SettlementBase.t.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

/// @notice Attack: empty the escrow by choosing the cut or the destination of what it pays.
contract DrainedEscrowTest is SettlementBase {
    function setUp() public override {
        super.setUp();
        _deposit(payer.addr, operator, 100 ether);
    }

    /// @dev Nothing that anyone may call takes a destination or a share; what does is the slasher's alone and capped.
    function test_NobodyButTheSlasherNamesADestination() public {
        _settleOne(_owed(50 ether, 50));
        vm.prank(address(slasher));
        settlement.seize(_seizure(operator, 10 ether, 2000, reporter));
        _mature();

        vm.startPrank(attacker);
        settlement.claim(operator);
        settlement.claimRoyalties(modelId);
        settlement.collect(reserve);
        settlement.collect(reporter);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, attacker));
        settlement.seize(_seizure(operator, 1 ether, 10_000, attacker));
        vm.stopPrank();
        assertEq(feeToken.balanceOf(attacker), 0);
        assertEq(feeToken.balanceOf(publisher), 1.5 ether);
        assertEq(feeToken.balanceOf(reporter), 2 ether);
        assertEq(feeToken.balanceOf(reserve), 6.5 ether);
        assertEq(settlement.credited(BURN), 4 ether);
        assertEq(feeToken.balanceOf(operator) + feeToken.balanceOf(address(vault)), 36 ether);

        vm.expectRevert(
            abi.encodeWithSelector(IInferenceSettlement.InferenceSettlement_CutTooHigh.selector, 10_000, 2000)
        );
        vm.prank(address(slasher));
        settlement.seize(_seizure(operator, 1 ether, 10_000, attacker));
    }
}
