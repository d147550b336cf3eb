// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {TestToken} from "../src/TestToken.sol";
import {IRewardReserve} from "../src/interfaces/IRewardReserve.sol";
import {ReserveBase} from "./ReserveBase.t.sol";
import {DenyListToken} from "./attacks/tokens/DenyListToken.sol";

contract RewardReserveClaimTest is ReserveBase {
    /// @dev A seventh of the wages each: below the limit of a domain, 15 %.
    uint256 private constant REWARD = DAILY_WAGES / OPERATORS;

    function _expectClaimed(address operator, uint256 paid, uint256 distributed, uint256 withheld) private {
        vm.expectEmit(reserve);
        emit IRewardReserve.RewardClaimed(
            operator, PERIOD, operatorRegistry.payoutOf(operator), paid, distributed, withheld
        );
    }

    function test_ARewardIsSharedOutAsFeesAre() public virtual {
        _endow(PLENTY);
        _delegate(alice, operators[0], OWN_STAKE);
        address payout = makeAddr("payout");
        vm.prank(operators[0]);
        operatorRegistry.changePayout(payout);
        _reward(PERIOD);
        uint256 reward = rewardReserve.reward(PERIOD, operators[0]);
        uint256 commission = (reward * COMMISSION_BPS + 9999) / 10_000;

        _expectClaimed(operators[0], commission, reward - commission, 0);
        vm.prank(bob);
        assertEq(rewardReserve.claim(PERIOD, operators[0]), reward);

        assertEq(feeToken.balanceOf(payout), commission);
        assertApproxEqAbs(vault.position(operators[0], alice).rewards, (reward - commission) / 2, 1);
        assertEq(rewardReserve.periodOf(PERIOD).paid, reward);
        assertEq(rewardReserve.owed(), _releaseOf(PERIOD) - reward);
        assertEq(rewardReserve.reward(PERIOD, operators[0]), 0);
    }

    function test_EqualOperatorsInDomainsOfTheirOwnAreAllPaid() public {
        _endow(PLENTY);
        _reward(PERIOD);
        for (uint256 i = 0; i < OPERATORS; ++i) {
            assertEq(rewardReserve.claim(PERIOD, operators[i]), REWARD);
        }
        assertEq(rewardReserve.owed(), 0);
        assertEq(feeToken.balanceOf(reserve), rewardReserve.funds());
    }

    function test_ADomainGetsItsLimitAndNoMore() public {
        _endow(PLENTY);
        for (uint256 i = 0; i < 3; ++i) {
            _declare(operators[i], "crowded");
        }
        _reward(PERIOD);
        uint256 crowded = 0;
        for (uint256 i = 0; i < OPERATORS; ++i) {
            uint256 amount = rewardReserve.claim(PERIOD, operators[i]);
            if (i < 3) crowded += amount;
            else assertEq(amount, REWARD, "nobody else gains or loses");
        }
        assertEq(crowded, DAILY_WAGES * 1500 / 10_000);
        assertEq(rewardReserve.owed(), 3 * REWARD - crowded);
    }

    function test_WithoutAPoolTheOperatorGetsAll() public {
        _endow(PLENTY);
        _reward(PERIOD);
        _thaw(operators[0], operators[0], _sharesOf(operators[0], operators[0]));
        _expectClaimed(operators[0], REWARD, 0, 0);
        rewardReserve.claim(PERIOD, operators[0]);
        assertEq(feeToken.balanceOf(operators[0]), REWARD);
    }

    /// @dev Rewards are earned: who left or was jailed since is paid, and so are its stakers.
    function test_WhoWasReportedIsPaidWhateverItsStatus() public {
        _endow(PLENTY);
        _reward(PERIOD);
        vm.prank(address(slasher));
        operatorRegistry.jail(operators[0], _now() + 1 days);
        vm.prank(operators[1]);
        operatorRegistry.exit();
        assertEq(rewardReserve.claim(PERIOD, operators[0]), REWARD);
        assertEq(rewardReserve.claim(PERIOD, operators[1]), REWARD);
    }

    function test_RewardsAreClaimedToTheLastSecond() public {
        _endow(PLENTY);
        _reward(PERIOD);
        _warpTo(rewardReserve.periodOf(PERIOD).expiresAt - 1);
        assertEq(rewardReserve.claim(PERIOD, operators[0]), REWARD);
    }

    function test_RevertWhen_ClaimsExpired() public {
        _endow(PLENTY);
        _reward(PERIOD);
        uint64 expiresAt = rewardReserve.periodOf(PERIOD).expiresAt;
        _warpTo(expiresAt);
        assertEq(rewardReserve.reward(PERIOD, operators[0]), 0);
        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_ClaimsExpired.selector, PERIOD, expiresAt));
        rewardReserve.claim(PERIOD, operators[0]);
    }

    function test_RevertWhen_ThePeriodIsNotClosed() public {
        _endow(PLENTY);
        _finalPeriod();
        _reportAll(PERIOD);
        assertEq(rewardReserve.reward(PERIOD, operators[0]), 0);
        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_NotClosed.selector, PERIOD));
        rewardReserve.claim(PERIOD, operators[0]);
    }

    function test_RevertWhen_NothingIsDue() public {
        _reward(PERIOD);
        assertEq(_releaseOf(PERIOD), 0);
        address[2] memory without = [operators[0], alice];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IRewardReserve.RewardReserve_NothingToClaim.selector, PERIOD, without[i])
            );
            rewardReserve.claim(PERIOD, without[i]);
        }
    }
}

/// @notice A fee token that refuses some receivers.
contract RewardReserveDeniedClaimTest is ReserveBase {
    uint256 private constant REWARD = DAILY_WAGES / OPERATORS;
    address private denied = makeAddr("denied");

    function _createFeeToken(TestToken) internal override returns (TestToken) {
        return new DenyListToken();
    }

    function setUp() public override {
        super.setUp();
        DenyListToken(address(feeToken)).deny(denied);
        _endow(PLENTY);
        vm.prank(operators[0]);
        operatorRegistry.changePayout(denied);
        _reward(PERIOD);
    }

    function test_StakersDoNotWaitForTheOperator() public {
        uint256 commission = REWARD * COMMISSION_BPS / 10_000;
        vm.expectEmit(reserve);
        emit IRewardReserve.RewardClaimed(operators[0], PERIOD, denied, 0, REWARD - commission, commission);
        assertEq(rewardReserve.claim(PERIOD, operators[0]), REWARD - commission);

        assertEq(rewardReserve.reward(PERIOD, operators[0]), commission);
        assertEq(rewardReserve.owed(), DAILY_WAGES - REWARD + commission);
        assertEq(rewardReserve.periodOf(PERIOD).paid, REWARD - commission);
    }

    function test_WhatItCouldNotTakeIsSharedOutAgainOrExpires() public {
        uint256 commission = REWARD * COMMISSION_BPS / 10_000;
        rewardReserve.claim(PERIOD, operators[0]);
        uint256 snapshot = vm.snapshotState();
        vm.prank(operators[0]);
        operatorRegistry.changePayout(bob);
        assertEq(rewardReserve.claim(PERIOD, operators[0]), commission);
        assertEq(feeToken.balanceOf(bob), commission * COMMISSION_BPS / 10_000);
        assertEq(rewardReserve.reward(PERIOD, operators[0]), 0);

        vm.revertToState(snapshot);
        _warpTo(rewardReserve.periodOf(PERIOD).expiresAt);
        assertEq(rewardReserve.expire(PERIOD), DAILY_WAGES - REWARD + commission);
        assertEq(rewardReserve.owed(), 0);
    }

    /// @dev With nobody to share with, nobody is kept waiting, and the claim says what is wrong.
    function test_RevertWhen_OnlyTheOperatorWaits() public {
        _thaw(operators[0], operators[0], _sharesOf(operators[0], operators[0]));
        vm.expectRevert(abi.encodeWithSelector(DenyListToken.DenyListToken_Denied.selector, denied));
        rewardReserve.claim(PERIOD, operators[0]);
    }
}

/// @notice The same where the fee token is the stake token.
contract RewardReserveOneTokenClaimTest is RewardReserveClaimTest {
    function _createFeeToken(TestToken stakeToken_) internal pure override returns (TestToken) {
        return stakeToken_;
    }
}
