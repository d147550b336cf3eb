// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ISlasher} from "../src/interfaces/ISlasher.sol";
import {Base} from "./Base.t.sol";

/// @notice `strikes` and `punished` over many periods, against a count made the plain way.
contract SlasherStrikesTest is Base {
    uint64 private constant MEMORY = 7;
    uint64 private constant SPAN = 12;
    uint32 private constant DOWN = 0;
    /// @dev One in six down is several times what is missed on average, here.
    uint256 private constant FACTOR = 4;

    address private operator;
    uint256[] private observed;
    uint256[] private up;
    uint64[] private faults;
    uint64[] private punished;

    function setUp() public override {
        super.setUp();
        _registerOperators(6);
        operator = operators[DOWN];
        (observed, up) = _downFor(DOWN, SLOTS);
    }

    function _evidenceWindow() internal pure override returns (uint64) {
        return SPAN * PERIOD_SECONDS;
    }

    function _punish(uint64 period) private {
        slasher.punishDowntime(operator, period, observed, up);
        punished.push(period);
    }

    function _isPunished(uint64 period) private view returns (bool found) {
        for (uint256 i = 0; i < punished.length; ++i) {
            found = found || punished[i] == period;
        }
    }

    function _count(uint64 period) private view returns (uint256 count) {
        count = 1;
        for (uint256 i = 0; i < punished.length; ++i) {
            uint64 distance = punished[i] > period ? punished[i] - period : period - punished[i];
            if (distance != 0 && distance <= MEMORY) ++count;
        }
    }

    /// @dev The operator is down in the periods of the bits of `mask`, from `first` on.
    function _runFaults(uint64 first, uint256 mask) private {
        for (uint64 i = 0; i < SPAN; ++i) {
            if (mask & (1 << i) == 0) continue;
            _runPeriod(first + i, observed, up);
            faults.push(first + i);
        }
        _finalize(first + SPAN - 1);
    }

    /// @dev Around the border of two words of the punished bitmap.
    /// forge-config: default.fuzz.runs = 24
    function testFuzz_FaultsOnBothSidesCountInAnyOrder(uint256 mask, uint256 seed) public {
        uint64 first = 250;
        _runFaults(first, mask);
        for (uint256 left = faults.length; left != 0; --left) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint64 period = faults[seed % left];
            faults[seed % left] = faults[left - 1];
            uint256 before = vault.slashable(operator);
            uint256 strikes = _count(period);
            assertEq(slasher.strikes(operator, period), strikes);

            _punish(period);

            assertEq(vault.slashable(operator), strikes == 1 ? before : before - before * FACTOR / 100);
        }
        for (uint64 period = first - MEMORY - 1; period < first + SPAN + MEMORY; ++period) {
            assertEq(slasher.strikes(operator, period), _count(period));
            assertEq(slasher.punished(operator, period), _isPunished(period));
        }
    }

    function test_TheBeginningOfTimeIsNoBorder() public {
        _runFaults(0, 5);
        _punish(0);
        _punish(2);

        assertEq(slasher.strikes(operator, 0), 2);
        assertEq(slasher.strikes(operator, 1), 3);
        assertEq(slasher.strikes(operator, 7), 3);
        assertEq(slasher.strikes(operator, 9), 2);
        assertEq(slasher.strikes(operator, 10), 1);
        assertEq(slasher.strikes(operators[1], 1), 1);
    }

    function test_TheMemoryInForceCounts() public {
        _runFaults(0, 1 + (1 << 10));
        _punish(0);
        _punish(10);
        assertEq(slasher.strikes(operator, 10), 1);
        ISlasher.DowntimePenalty memory penalty = _penalty();
        penalty.memoryPeriods = 10;

        _govern(address(slasher), abi.encodeCall(slasher.changeDowntimePenalty, (penalty)));

        assertEq(slasher.strikes(operator, 10), 2);
    }
}
