// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IRewardReserve} from "../src/interfaces/IRewardReserve.sol";
import {ReserveBase} from "./ReserveBase.t.sol";

contract RewardReserveBurnTest is ReserveBase {
    function test_SurplusIsSentToTheBurnAddress() public {
        _pay(operators[0], 1600 ether);
        _reward(PERIOD);
        uint256 unburned = rewardReserve.unburned();
        assertGt(unburned, 0);

        vm.expectEmit(reserve);
        emit IRewardReserve.SurplusBurned(unburned);
        vm.prank(alice);
        assertEq(rewardReserve.burn(), unburned);

        assertEq(feeToken.balanceOf(rewardReserve.BURN()), unburned);
        assertEq(feeToken.balanceOf(reserve), rewardReserve.funds());
        assertEq(rewardReserve.unburned(), 0);
    }

    function test_RevertWhen_NothingWaits() public {
        vm.expectRevert(IRewardReserve.RewardReserve_NothingToBurn.selector);
        rewardReserve.burn();
    }
}
