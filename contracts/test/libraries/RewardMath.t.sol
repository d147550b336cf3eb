// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {RewardMath} from "../../src/libraries/RewardMath.sol";
import {Test} from "forge-std/Test.sol";

contract RewardMathTest is Test {
    uint256 private constant BOND = 1000 ether;
    uint256 private constant MAX_STAKE = 2 ** 100;

    function test_AvailabilityByDays() public pure {
        // Slots missed of 24: none, one (9583 basis points up), two (9166).
        assertEq(RewardMath.availability(24, 0), 10_000);
        assertEq(RewardMath.availability(24, 1), 1693);
        assertEq(RewardMath.availability(24, 2), 0);
    }

    function test_AvailabilityFromItsFloorToTheWhole() public pure {
        assertEq(RewardMath.availability(10_000, 500), 0);
        assertEq(RewardMath.availability(10_000, 499), 20);
        assertEq(RewardMath.availability(10_000, 255), 5000);
        assertEq(RewardMath.availability(10_000, 11), 9979);
        assertEq(RewardMath.availability(10_000, 10), 10_000);
        assertEq(RewardMath.availability(10_000, 0), 10_000);
    }

    function testFuzz_WhoWasNeverObservedWasNotAvailable(uint256 missed) public pure {
        assertEq(RewardMath.availability(0, missed), 0);
    }

    function testFuzz_AvailabilityFallsWithEverySlotMissed(uint256 observed, uint256 missed) public pure {
        observed = bound(observed, 1, type(uint32).max);
        missed = bound(missed, 0, observed - 1);
        uint256 more = RewardMath.availability(observed, missed + 1);
        assertLe(more, RewardMath.availability(observed, missed));
        assertLe(RewardMath.availability(observed, missed), 10_000);
        assertEq(RewardMath.availability(observed, observed), 0);
    }

    function testFuzz_WeightRoundsDown(uint256 collateral, uint256 availabilityBps) public pure {
        collateral = bound(collateral, 0, type(uint128).max);
        availabilityBps = bound(availabilityBps, 0, 10_000);
        uint256 weight = RewardMath.weight(collateral, availabilityBps);
        assertLe(weight * 10_000, collateral * availabilityBps);
        assertGt((weight + 1) * 10_000, collateral * availabilityBps);
    }

    function test_WagesOfADay() public pure {
        assertEq(RewardMath.wages(BOND, 1 ether, 1 days, BOND), 24 ether);
        assertEq(RewardMath.wages(BOND / 2, 1 ether, 1 days, BOND), 12 ether);
        assertEq(RewardMath.wages(21 * BOND, 1 ether, 1 minutes, BOND), 0.35 ether);
        assertEq(RewardMath.wages(1, 1, 1, BOND), 0);
    }

    /// @dev A protocol that takes a twentieth left the other nineteen.
    function test_NetFees() public pure {
        assertEq(RewardMath.netFees(1 ether, 500), 19 ether);
        assertEq(RewardMath.netFees(1, 3000), 3);
        assertEq(RewardMath.netFees(0, 1), 0);
        assertEq(RewardMath.netFees(7, 10_000), 0);
    }

    function test_ReleaseOfADay() public pure {
        assertEq(RewardMath.release(100 ether, 1000 ether, 1 days), 4.992 ether);
        assertEq(RewardMath.release(4 ether, 1000 ether, 1 days), 4 ether);
        assertEq(RewardMath.release(1, 200, 1 days), 0);
        assertEq(RewardMath.release(2 ether, 1 ether, 300 days), 1 ether);
    }

    /// @dev Whatever it is asked for, period after period, something is left.
    function testFuzz_ItCannotBeEmptied(uint256 funds, uint256 duration, uint256 need) public pure {
        funds = bound(funds, 1, type(uint128).max);
        duration = bound(duration, 1, 30 days);
        uint256 released = RewardMath.release(need, funds, duration);
        assertLe(released, need);
        assertLt(released, funds);
        assertLe(released * 1_000_000 * 1 hours, funds * 208 * duration);
    }

    /// @dev A reserve of 380 days of need pays it in full on 180 days, and then less.
    function test_AReserveOf380DaysOfNeedLasts180() public pure {
        uint256 funds = 380 * 24 ether;
        uint256 hoursPaid = 0;
        while (RewardMath.release(1 ether, funds, 1 hours) == 1 ether) {
            funds -= 1 ether;
            ++hoursPaid;
        }
        // Into the 180th day.
        assertEq(hoursPaid, 4313);
        assertEq(hoursPaid / 24, 179);
        // Then it shrinks, a half percent a day, for ever.
        uint256 left = funds;
        for (uint256 i = 0; i < 24; ++i) {
            funds -= RewardMath.release(1 ether, funds, 1 hours);
        }
        assertApproxEqRel(funds, left * 9950 / 10_000, 1e14);
    }

    /// @dev A period of a day releases once what 24 hours would: full pay on 180 days.
    function test_TheSameByDays() public pure {
        uint256 funds = 380 ether;
        uint256 daysPaid = 0;
        for (; RewardMath.release(1 ether, funds, 1 days) == 1 ether; ++daysPaid) {
            funds -= 1 ether;
        }
        assertEq(daysPaid, 180);
    }

    function test_Retained() public pure {
        assertEq(RewardMath.retained(10 ether, 10 ether, 3000), 3 ether);
        assertEq(RewardMath.retained(2 ether, 10 ether, 3000), 2 ether);
        assertEq(RewardMath.retained(10, 1, 3000), 1);
        assertEq(RewardMath.retained(10, 10, 0), 0);
    }

    function test_Share() public pure {
        // A tenth of the weight, in a domain of its own.
        assertEq(RewardMath.share(100 ether, 10, 100, 10, 1500), 10 ether);
        // In a domain of 15 %, just within the limit.
        assertEq(RewardMath.share(100 ether, 10, 100, 15, 1500), 10 ether);
        // In one of half of all: a fifth of its 15 %.
        assertEq(RewardMath.share(100 ether, 10, 100, 50, 1500), 3 ether);
        assertEq(RewardMath.share(100 ether, 100, 100, 100, 1500), 15 ether);
        assertEq(RewardMath.share(100 ether, 100, 100, 100, 10_000), 100 ether);
        assertEq(RewardMath.share(0, 1, 1, 1, 1500), 0);
    }

    /// @dev Random operators in random domains: no more is paid than released, nor more to a domain than its limit.
    function testFuzz_SharesSumToNoMoreThanTheRelease(
        uint96[8] memory weights,
        uint8[8] memory domains,
        uint256 released
    ) public pure {
        released = bound(released, 0, type(uint128).max);
        uint256[4] memory ofDomain;
        uint256[4] memory paidTo;
        uint256 total = 0;
        for (uint256 i = 0; i < 8; ++i) {
            ofDomain[domains[i] % 4] += weights[i];
            total += weights[i];
        }
        uint256 paid = 0;
        for (uint256 i = 0; i < 8; ++i) {
            if (weights[i] == 0) continue;
            uint256 share = RewardMath.share(released, weights[i], total, ofDomain[domains[i] % 4], 1500);
            paidTo[domains[i] % 4] += share;
            paid += share;
        }
        assertLe(paid, released);
        for (uint256 i = 0; i < 4; ++i) {
            assertLe(paidTo[i], released * 1500 / 10_000);
        }
    }

    /// @dev What an operator with the others of the network around it is paid for a period, from collateral to share.
    struct Network {
        uint256 others;
        uint256 neighbours;
        uint256 availabilityBps;
        uint256 funds;
        uint256 fees;
        uint256 domainBps;
    }

    function _paid(Network memory network, uint256[] memory parts) private pure returns (uint256 sum) {
        uint256[] memory weights = new uint256[](parts.length);
        uint256 own = 0;
        for (uint256 i = 0; i < parts.length; ++i) {
            weights[i] = RewardMath.weight(parts[i], network.availabilityBps);
            own += weights[i];
        }
        uint256 total = own + network.others + network.neighbours;
        uint256 wages = RewardMath.wages(total, 1 ether, 1 days, BOND);
        if (wages <= network.fees) return 0;
        uint256 released = RewardMath.release(wages - network.fees, network.funds, 1 days);
        for (uint256 i = 0; i < parts.length; ++i) {
            if (weights[i] == 0) continue;
            sum += RewardMath.share(released, weights[i], total, own + network.neighbours, network.domainBps);
        }
    }

    /// @dev The wages of the whole network follow from bond too: who splits does not make them rise.
    function testFuzz_SplittingNeverGains(Network memory network, uint256 collateral, uint256[8] memory cuts)
        public
        pure
    {
        network.others = bound(network.others, 0, MAX_STAKE);
        network.neighbours = bound(network.neighbours, 0, MAX_STAKE);
        network.availabilityBps = bound(network.availabilityBps, 0, 10_000);
        network.funds = bound(network.funds, 0, MAX_STAKE);
        network.domainBps = bound(network.domainBps, 1, 10_000);
        collateral = bound(collateral, 1, MAX_STAKE);
        network.fees = bound(network.fees, 0, collateral);

        uint256[] memory whole = new uint256[](1);
        whole[0] = collateral;
        uint256[] memory parts = new uint256[](9);
        uint256 left = collateral;
        for (uint256 i = 0; i < 8; ++i) {
            parts[i] = bound(cuts[i], 0, left);
            left -= parts[i];
        }
        parts[8] = left;
        assertLe(_paid(network, parts), _paid(network, whole));
    }
}
