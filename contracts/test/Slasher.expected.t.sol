// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ISlasher} from "../src/interfaces/ISlasher.sol";
import {Base} from "./Base.t.sol";

/// @notice Who answers for a period: those in service from its beginning to its end, and nobody else.
contract SlasherExpectedTest is Base {
    uint32 private constant DOWN = 7;
    address private operator;
    uint256[] private observed;
    uint256[] private up;

    function setUp() public override {
        super.setUp();
        _registerOperators(7);
        // Drawn during period 0, so that the operator who comes at the end of it is watched.
        _warpTo(_periodStart(1) - 1 hours);
        operator = _registerOperator("a newcomer");
        (observed, up) = _downFor(DOWN, SLOTS);
    }

    function _expectNotExpected(uint64 period) private {
        vm.expectRevert(abi.encodeWithSelector(ISlasher.Slasher_NotExpected.selector, operator, period));
        slasher.punishDowntime(operator, period, observed, up);
    }

    function _jailUntil(uint64 until) private {
        vm.prank(address(slasher));
        operatorRegistry.jail(operator, until);
    }

    function _exit() private {
        vm.prank(operator);
        operatorRegistry.exit();
    }

    function _unjail() private {
        vm.prank(operator);
        operatorRegistry.unjail();
    }

    function test_WhoWasThereFromBeginningToEndAnswers() public {
        _runPeriod(1, observed, up);
        _exit();
        _finalize(1);

        slasher.punishDowntime(operator, 1, observed, up);

        assertTrue(slasher.punished(operator, 1));
    }

    function test_WhoRegisteredAfterTheDrawIsNotExpected() public {
        _draw(1);
        operator = _registerOperator("a later one");
        _runPeriod(1, observed, up);
        _finalize(1);

        _expectNotExpected(1);
    }

    function test_WhoLeavesJailAsThePeriodBeginsIsExpected() public {
        _jailUntil(_periodStart(1));
        _draw(1);
        _warpTo(_periodStart(1));
        _unjail();
        _runPeriod(1, observed, up);
        _finalize(1);

        slasher.punishDowntime(operator, 1, observed, up);
    }

    function test_WhoLeavesJailDuringThePeriodIsNotExpected() public {
        _jailUntil(_periodStart(1));
        _draw(1);
        _warpTo(_periodStart(1) + 1);
        _unjail();
        _runPeriod(1, observed, up);
        _finalize(1);

        _expectNotExpected(1);
    }

    function test_WhoIsJailedDuringThePeriodIsNotExpected() public {
        _draw(1);
        _warpTo(_periodStart(2) - 1);
        _jailUntil(0);
        _runPeriod(1, observed, up);
        _finalize(1);

        _expectNotExpected(1);
    }

    function test_WhoExitsDuringThePeriodIsNotExpected() public {
        _draw(1);
        _warpTo(_periodStart(2) - 1);
        _exit();
        _runPeriod(1, observed, up);
        _finalize(1);

        _expectNotExpected(1);
    }

    /// @dev Otherwise a day in jail would be worth a slash for silence on the day after.
    function test_WhoSitsInJailIsNotExpected() public {
        _jailUntil(_periodStart(3));
        _draw(1);
        _runPeriod(1, observed, up);
        _runPeriod(2, observed, up);
        _finalize(2);

        _expectNotExpected(1);
        _expectNotExpected(2);
        _exit();
        _expectNotExpected(2);
    }

    function test_AReturnFromJailClosesTheBook() public {
        _runPeriod(1, observed, up);
        _jailUntil(0);
        _finalize(1);
        _unjail();

        _expectNotExpected(1);
    }
}
