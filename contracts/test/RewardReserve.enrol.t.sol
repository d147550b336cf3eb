// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IRewardReserve} from "../src/interfaces/IRewardReserve.sol";
import {ReserveBase} from "./ReserveBase.t.sol";

contract RewardReserveEnrolTest is ReserveBase {
    function test_AnybodyEnrolsAnOperatorForTheNextPeriod() public {
        _warpTo(_periodStart(4) - 1);
        vm.expectEmit(reserve);
        emit IRewardReserve.OperatorEnrolled(operators[0], 4, OWN_STAKE);
        vm.prank(alice);
        assertEq(rewardReserve.enrol(operators[0]), 4);
        assertEq(rewardReserve.entryOf(4, operators[0]).enrolled, OWN_STAKE);

        _skip(1);
        assertEq(rewardReserve.enrol(operators[0]), 5);
    }

    function test_BeforeGenesisThatIsTheFirst() public {
        assertEq(rewardReserve.enrol(operators[0]), 0);
        _warpTo(GENESIS - 1);
        assertEq(rewardReserve.enrol(operators[1]), 0);
        _warpTo(GENESIS);
        assertEq(rewardReserve.enrol(operators[0]), 1);
    }

    function test_ALaterEnrolmentForThePeriodReplacesAnEarlierOne() public {
        rewardReserve.enrol(operators[0]);
        _delegate(alice, operators[0], 500 ether);
        rewardReserve.enrol(operators[0]);
        assertEq(rewardReserve.entryOf(0, operators[0]).enrolled, OWN_STAKE + 500 ether);

        _thaw(alice, operators[0], _sharesOf(operators[0], alice));
        rewardReserve.enrol(operators[0]);
        assertEq(rewardReserve.entryOf(0, operators[0]).enrolled, OWN_STAKE);
    }

    function test_RevertWhen_ThereIsNoCollateral() public {
        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_NoCollateral.selector, alice));
        rewardReserve.enrol(alice);

        // Own stake below the floor carries no delegation either.
        _thaw(operators[0], operators[0], _sharesOf(operators[0], operators[0]) * 3 / 5);
        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_NoCollateral.selector, operators[0]));
        rewardReserve.enrol(operators[0]);
    }

    function test_RevertWhen_NoSettlementIsBound() public {
        rewardReserve = _unbound();
        vm.expectRevert(IRewardReserve.RewardReserve_NotBound.selector);
        rewardReserve.enrol(operators[0]);
    }
}
