// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ISlasher} from "../../src/interfaces/ISlasher.sol";
import {Base} from "../Base.t.sol";

/// @notice Attack: an operator that was down weighs a later period first, so that its own is never weighed and never
///         punished; or weighs quiet periods again and again, so that the average falls.
contract WeighOutOfOrderTest is Base {
    uint32 private constant DOWN = 6;
    address private operator;
    uint256[] private observed;
    uint256[] private up;
    uint256[] private quiet;

    function setUp() public override {
        super.setUp();
        _registerOperators(7);
        operator = operators[DOWN];
        (observed, up) = _downFor(DOWN, SLOTS);
        (, quiet) = _allUp();
        _runPeriod(0, observed, up);
        _runPeriod(1, observed, quiet);
        _runPeriod(2, observed, quiet);
        _warpTo(_periodStart(3) + REPORT_WINDOW);
    }

    function _weigh(uint64 period, uint256[] memory up_) private {
        vm.prank(operator);
        slasher.weighPeriod(period, observed, up_);
    }

    function test_NoResultIsSkipped() public {
        for (uint64 later = 1; later < 3; ++later) {
            vm.expectRevert(abi.encodeWithSelector(ISlasher.Slasher_PeriodSkipped.selector, later, 0));
            _weigh(later, quiet);
        }

        _weigh(0, up);
        slasher.punishDowntime(operator, 0, observed, up);
        assertTrue(slasher.punished(operator, 0));
    }

    /// @dev However long nothing was weighed: only what is so old that it cannot be punished any more is passed over.
    function test_NoResultIsSkippedAfterALongTimeWithoutAny() public {
        // So late that the results of `setUp` are passed over.
        uint64 down = slasher.MAX_LOOK_BACK() + 3;
        _runPeriod(down, observed, up);
        _runPeriod(down + 1, observed, quiet);
        _warpTo(_periodStart(down + 2) + REPORT_WINDOW);

        vm.expectRevert(abi.encodeWithSelector(ISlasher.Slasher_PeriodSkipped.selector, down + 1, down));
        _weigh(down + 1, quiet);

        _weigh(down, up);
        slasher.punishDowntime(operator, down, observed, up);
        assertTrue(slasher.punished(operator, down));
    }

    function test_NoPeriodIsWeighedTwice() public {
        _weigh(0, up);
        _weigh(1, quiet);
        for (uint64 period = 0; period < 2; ++period) {
            vm.expectRevert(abi.encodeWithSelector(ISlasher.Slasher_PeriodPassed.selector, period, 2));
            _weigh(period, period == 0 ? up : quiet);
        }
    }

    /// @dev Nor as something that it was not.
    function test_NoPeriodIsWeighedByOtherWords() public {
        vm.expectRevert(abi.encodeWithSelector(ISlasher.Slasher_WrongResult.selector, 0));
        _weigh(0, quiet);
    }
}
