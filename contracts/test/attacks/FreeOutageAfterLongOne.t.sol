// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {Base} from "../Base.t.sol";

/// @notice Attack: be down when the network just was for long. Against an average that is high, an outage looks small: as a
///         bare quotient it would be nearly free.
contract FreeOutageAfterLongOneTest is Base {
    uint256 private constant OPERATORS = 256;
    uint64 private constant LONG = 192;
    uint32 private constant DOWN = 255;
    uint256 private constant MISSED = 9;

    function setUp() public override {
        super.setUp();
        _registerOperators(OPERATORS);
        (uint256[] memory observed, uint256[] memory up) = _allUp();
        for (uint256 slot = 0; slot < SLOTS; ++slot) {
            up[slot] = type(uint128).max;
        }
        for (uint64 period = 0; period < LONG; ++period) {
            _runPeriod(period, observed, up);
        }
        _finalize(LONG - 1);
    }

    function test_AnOutageCostsAtLeastItsPenalty() public {
        address operator = operators[DOWN];
        (uint256[] memory observed, uint256[] memory up) = _downFor(DOWN, MISSED);
        _runPeriod(LONG, observed, up);
        _finalize(LONG);
        _pay(operator, 1000 ether);
        uint256 escrowed = settlement.earnings(operator).locked;
        // Less than half of the average: without a floor, less than half of the penalty.
        assertLt(slasher.outage(LONG).missedBps * 2, slasher.outage(LONG).averageBps);

        slasher.punishDowntime(operator, LONG, observed, up);

        assertEq(escrowed - settlement.earnings(operator).locked, escrowed / 2 * MISSED / SLOTS);
    }
}
