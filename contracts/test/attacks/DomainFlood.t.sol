// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ReserveBase} from "../ReserveBase.t.sol";

/// @notice Attack: one data centre full of stake takes all rewards, or drives others out of a domain by crowding it.
contract DomainFloodTest is ReserveBase {
    bytes32 private constant FLOODED = "flooded";

    /// @dev Operators of 50 times everybody else's stake together, in one failure domain.
    function _flood(bytes32 domain) private returns (uint256 first) {
        first = operators.length;
        for (uint256 i = 0; i < 5; ++i) {
            address whale = makeAddr(string.concat("whale ", vm.toString(i)));
            _stake(whale, 70 * OWN_STAKE);
            _register(whale, makeAccount(string.concat("key of whale ", vm.toString(i))));
            _declare(whale, domain);
        }
    }

    function _claimFrom(uint256 first) private returns (uint256 paid) {
        for (uint256 i = first; i < operators.length; ++i) {
            paid += rewardReserve.claim(PERIOD, operators[i]);
        }
    }

    function test_AFloodedDomainGetsItsLimit() public {
        _endow(PLENTY);
        uint256 first = _flood(FLOODED);
        _reward(PERIOD);
        uint256 release = _releaseOf(PERIOD);
        uint256 paid = _claimFrom(first);
        assertLe(paid, release * 1500 / 10_000);
        assertApproxEqAbs(paid, release * 1500 / 10_000, 5, "but all of that");
        // The rest is not lost, nor anybody else's.
        _warpTo(rewardReserve.periodOf(PERIOD).expiresAt);
        assertEq(rewardReserve.expire(PERIOD), release - paid);
    }

    /// @dev Outside of it everybody is paid as if there were no flood.
    function test_OthersArePaidTheirWages() public {
        _endow(100 * PLENTY);
        _flood(FLOODED);
        _reward(PERIOD);
        for (uint256 i = 0; i < OPERATORS; ++i) {
            assertEq(rewardReserve.claim(PERIOD, operators[i]), DAILY_WAGES / OPERATORS);
        }
    }

    /// @dev Weight is counted in the domain of the report: moving out of the crowd afterwards changes nothing.
    function test_MovingOutAfterTheReportDoesNotHelp() public {
        _endow(PLENTY);
        uint256 first = _flood(FLOODED);
        _finalPeriod();
        _reportAll(PERIOD);
        for (uint256 i = first; i < operators.length; ++i) {
            _declare(operators[i], bytes32(i + 1));
        }
        _close(PERIOD);
        assertLe(_claimFrom(first), _releaseOf(PERIOD) * 1500 / 10_000);
    }
}
