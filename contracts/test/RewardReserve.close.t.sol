// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IRewardReserve} from "../src/interfaces/IRewardReserve.sol";
import {ReserveBase} from "./ReserveBase.t.sol";

contract RewardReserveCloseTest is ReserveBase {
    /// @dev All that a close can say of a period in which everybody was up.
    struct Closed {
        uint256 protocolFees;
        uint256 received;
        uint256 release;
        uint256 burned;
    }

    function _expectClosed(uint64 period, Closed memory closed) private {
        vm.expectEmit(reserve);
        emit IRewardReserve.PeriodClosed(
            period,
            OPERATORS * OWN_STAKE,
            DAILY_WAGES,
            closed.protocolFees,
            closed.received,
            closed.release,
            closed.burned,
            rewardReserve.closesAt(period) + REWARD_CLAIM
        );
    }

    function _reported() private {
        _finalPeriod();
        _reportAll(PERIOD);
    }

    /// @dev Protocol fees of `growth` that count for the first period: the time since the reserve was bound is longer.
    function _ofFirstPeriod(uint256 growth) private view returns (uint256) {
        return growth * PERIOD_SECONDS / (rewardReserve.closesAt(PERIOD) - START);
    }

    function test_WithoutFeesTheWholeWagesAreReleased() public {
        _endow(PLENTY);
        _reported();
        _warpTo(rewardReserve.closesAt(PERIOD));

        _expectClosed(PERIOD, Closed({protocolFees: 0, received: PLENTY, release: DAILY_WAGES, burned: 0}));
        vm.prank(alice);
        rewardReserve.close(PERIOD);

        assertEq(rewardReserve.funds(), PLENTY - DAILY_WAGES);
        assertEq(rewardReserve.owed(), DAILY_WAGES);
        assertEq(rewardReserve.unburned(), 0);
        assertEq(rewardReserve.nextPeriod(), PERIOD + 1);
        IRewardReserve.Period memory period = rewardReserve.periodOf(PERIOD);
        assertEq(period.release, DAILY_WAGES);
        assertEq(period.paid, 0);
        assertEq(period.expiresAt, _now() + REWARD_CLAIM);
        assertEq(period.domainBps, 1500);
    }

    /// @dev 208 millionths an hour, of what the reserve holds once it has collected.
    function testFuzz_APoorReserveReleasesHalfAPercentADay(uint256 endowment) public {
        endowment = bound(endowment, 0, DAILY_WAGES * 1_000_000 / (208 * 24));
        _endow(endowment);
        _reported();
        _close(PERIOD);

        assertEq(_releaseOf(PERIOD), endowment * 208 * 24 / 1_000_000);
        assertEq(rewardReserve.funds(), endowment - _releaseOf(PERIOD));
    }

    /// @dev What operators earned by fees is not paid a second time; the reserve keeps all of its own part.
    function test_FeesAreCountedAgainstWages() public {
        _endow(PLENTY);
        _pay(operators[0], 800 ether);
        uint256 protocolFees = _ofFirstPeriod(40 ether);
        _reported();
        _warpTo(rewardReserve.closesAt(PERIOD));

        uint256 fees = (protocolFees * 9500 + 499) / 500;
        _expectClosed(
            PERIOD,
            Closed({protocolFees: protocolFees, received: PLENTY + 40 ether, release: DAILY_WAGES - fees, burned: 0})
        );
        rewardReserve.close(PERIOD);
        assertEq(rewardReserve.funds(), PLENTY + 40 ether - DAILY_WAGES + fees);
    }

    /// @dev A surplus of which three tenths are more than all that the protocol took.
    function test_OfALargeSurplusEverythingIsKept() public {
        _pay(operators[0], 10_000 ether);
        _reported();
        _close(PERIOD);

        assertEq(_releaseOf(PERIOD), 0);
        assertEq(rewardReserve.unburned(), 0);
        assertEq(rewardReserve.funds(), 500 ether);
    }

    /// @dev Just above the wages: the reserve keeps three tenths of the surplus, what it took besides is burned.
    function test_OfASmallSurplusThreeTenthsAreKept() public {
        uint128 fee = 1600 ether;
        _endow(100 ether);
        _pay(operators[0], fee);
        uint256 protocolFees = _ofFirstPeriod(fee / 20);
        uint256 surplus = (protocolFees * 9500 + 499) / 500 - DAILY_WAGES;
        uint256 retained = (surplus * 3000 + 9999) / 10_000;
        assertGt(protocolFees, retained);
        _reported();
        _warpTo(rewardReserve.closesAt(PERIOD));

        _expectClosed(
            PERIOD,
            Closed({
                protocolFees: protocolFees, received: 100 ether + fee / 20, release: 0, burned: protocolFees - retained
            })
        );
        rewardReserve.close(PERIOD);
        assertEq(rewardReserve.unburned(), protocolFees - retained);
        assertEq(rewardReserve.funds(), 100 ether + fee / 20 - (protocolFees - retained));
    }

    function test_SeizedEarningsStayEvenInASurplus() public {
        _pay(operators[0], 1600 ether);
        vm.prank(address(slasher));
        uint256 seized = settlement.seize(_seizure(operators[0], 100 ether, 0, address(0)));
        _reported();
        _close(PERIOD);

        assertGt(rewardReserve.unburned(), 0);
        assertEq(rewardReserve.funds() + rewardReserve.unburned(), 80 ether + seized / 2);
        assertLe(rewardReserve.unburned(), _ofFirstPeriod(80 ether));
    }

    /// @dev Anybody may have the settlement pay the reserve: nothing is counted twice or not at all.
    function test_WhatWasCollectedBeforeIsCounted() public {
        _pay(operators[0], 800 ether);
        settlement.collect(reserve);
        _reported();
        _close(PERIOD);
        assertEq(rewardReserve.funds() + rewardReserve.owed(), 40 ether);
    }

    /// @dev Fees that flow evenly count evenly, whenever a period is closed.
    function testFuzz_ALateCloseMovesNoFeesBetweenPeriods(uint256 delay) public {
        uint256[2] memory late = _twoReleases([uint128(200 ether), 200 ether], bound(delay, 0, PERIOD_SECONDS));

        assertApproxEqAbs(late[0], DAILY_WAGES - 190 ether, 1e6);
        assertApproxEqAbs(late[1], DAILY_WAGES - 190 ether, 1e6);
    }

    /// @dev A day of many fees cannot be left out by closing it together with another: a late close only evens them out.
    function testFuzz_ALateCloseNeverReleasesMore(uint128[2] memory fees, uint256 delay) public {
        for (uint256 i = 0; i < 2; ++i) {
            fees[i] = uint128(bound(fees[i], 1 ether, 1000 ether));
        }
        uint256[2] memory prompt = _twoReleases(fees, 0);
        uint256[2] memory late = _twoReleases(fees, bound(delay, 1, PERIOD_SECONDS));
        assertLe(late[0] + late[1], prompt[0] + prompt[1] + 1e6);
    }

    /// @dev What the second and the third period release, where fees flow evenly from each close to the next, and the
    ///      second is closed late.
    function _twoReleases(uint128[2] memory fees, uint256 delay) private returns (uint256[2] memory releases) {
        uint256 snapshot = vm.snapshotState();
        _endow(PLENTY);
        _prepare(PERIOD);
        _run(PERIOD, 0, 0);
        _reportAll(PERIOD);
        _run(PERIOD + 1, 0, 0);
        _reportAll(PERIOD + 1);
        rewardReserve.close(PERIOD);
        _run(PERIOD + 2, 0, 0);
        _reportAll(PERIOD + 2);
        _pay(operators[0], fees[0]);
        // forge-lint: disable-next-line(unsafe-typecast)
        uint128 early = uint128(fees[1] * delay / PERIOD_SECONDS);
        // forge-lint: disable-next-line(unsafe-typecast)
        _skip(uint64(delay));
        if (early != 0) _pay(operators[0], early);
        rewardReserve.close(PERIOD + 1);
        _warpTo(rewardReserve.closesAt(PERIOD + 2));
        if (early != fees[1]) _pay(operators[0], fees[1] - early);
        rewardReserve.close(PERIOD + 2);
        releases = [_releaseOf(PERIOD + 1), _releaseOf(PERIOD + 2)];
        vm.revertToState(snapshot);
    }

    function test_PeriodsThatNobodyIsPaidForArePassedOver() public {
        _endow(PLENTY);
        _pay(operators[0], 2000 ether);
        uint64 period = PERIOD + 5;
        _reward(period);

        assertEq(rewardReserve.nextPeriod(), period + 1);
        // Fees of the periods passed over are not counted against this one.
        uint256 protocolFees = 100 ether * uint256(PERIOD_SECONDS) / (rewardReserve.closesAt(period) - START);
        assertEq(_releaseOf(period), DAILY_WAGES - (protocolFees * 9500 + 499) / 500);
        assertEq(rewardReserve.funds() + _releaseOf(period), PLENTY + 100 ether);

        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_AlreadyClosed.selector, period - 1));
        rewardReserve.close(period - 1);
    }

    function test_AsManyAsTheLimitArePassedOverAndNoMore() public {
        uint64 last = rewardReserve.nextPeriod() + 256;
        _warpTo(rewardReserve.closesAt(last + 1));
        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_TooManySkipped.selector, last + 1, last));
        rewardReserve.close(last + 1);

        rewardReserve.close(last);
        assertEq(rewardReserve.nextPeriod(), last + 1);
    }

    function test_RevertWhen_APeriodWithWeightIsPassedOver() public {
        _reported();
        _warpTo(rewardReserve.closesAt(PERIOD + 1));
        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_OutOfOrder.selector, PERIOD + 1, PERIOD));
        rewardReserve.close(PERIOD + 1);
    }

    function test_RevertWhen_ReportsAreNotClosed() public {
        _reported();
        uint64 closesAt = rewardReserve.closesAt(PERIOD);
        assertEq(closesAt, _periodStart(PERIOD + 1) + REPORT_WINDOW + REWARD_REPORT);
        _warpTo(closesAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_TooEarlyToClose.selector, PERIOD, closesAt));
        rewardReserve.close(PERIOD);
    }

    function test_RevertWhen_ItIsClosed() public {
        _reported();
        _close(PERIOD);
        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_AlreadyClosed.selector, PERIOD));
        rewardReserve.close(PERIOD);
    }

    function test_RevertWhen_NoSettlementIsBound() public {
        rewardReserve = _unbound();
        vm.expectRevert(IRewardReserve.RewardReserve_NotBound.selector);
        rewardReserve.close(PERIOD);
    }
}
