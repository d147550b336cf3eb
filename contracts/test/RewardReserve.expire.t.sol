// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IRewardReserve} from "../src/interfaces/IRewardReserve.sol";
import {ReserveBase} from "./ReserveBase.t.sol";

contract RewardReserveExpireTest is ReserveBase {
    function setUp() public override {
        super.setUp();
        _endow(PLENTY);
        _reward(PERIOD);
    }

    function test_WhatNobodyClaimedGoesBack() public {
        uint256 paid = rewardReserve.claim(PERIOD, operators[0]);
        _warpTo(rewardReserve.periodOf(PERIOD).expiresAt);

        vm.expectEmit(reserve);
        emit IRewardReserve.RewardsExpired(PERIOD, DAILY_WAGES - paid);
        vm.prank(alice);
        assertEq(rewardReserve.expire(PERIOD), DAILY_WAGES - paid);

        assertEq(rewardReserve.funds(), PLENTY - paid);
        assertEq(rewardReserve.owed(), 0);
        assertEq(_releaseOf(PERIOD), paid);
        assertEq(feeToken.balanceOf(reserve), PLENTY - paid);
    }

    function test_RevertWhen_NothingIsLeft() public {
        _warpTo(rewardReserve.periodOf(PERIOD).expiresAt);
        rewardReserve.expire(PERIOD);
        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_NothingToExpire.selector, PERIOD));
        rewardReserve.expire(PERIOD);
    }

    function test_RevertWhen_ItCanStillBeClaimed() public {
        uint64 expiresAt = rewardReserve.periodOf(PERIOD).expiresAt;
        _warpTo(expiresAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_NotExpired.selector, PERIOD, expiresAt));
        rewardReserve.expire(PERIOD);
    }

    function test_RevertWhen_ItIsNotClosed() public {
        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_NotExpired.selector, PERIOD + 1, 0));
        rewardReserve.expire(PERIOD + 1);
    }
}
