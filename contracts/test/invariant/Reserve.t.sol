// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {TestToken} from "../../src/TestToken.sol";
import {ReserveHandler} from "./ReserveHandler.t.sol";
import {StdInvariant, Test} from "forge-std/Test.sol";

contract ReserveInvariants is StdInvariant, Test {
    ReserveHandler internal handler;

    function setUp() public {
        handler = _createHandler();
        handler.setUp();
        bytes4[] memory actions = new bytes4[](14);
        (actions[0], actions[1]) = (handler.runPeriod.selector, handler.runPeriod.selector);
        (actions[2], actions[3]) = (handler.close.selector, handler.close.selector);
        (actions[4], actions[5]) = (handler.claim.selector, handler.claim.selector);
        (actions[6], actions[7]) = (handler.pay.selector, handler.seize.selector);
        (actions[8], actions[9]) = (handler.changeStake.selector, handler.move.selector);
        (actions[10], actions[11]) = (handler.endow.selector, handler.collect.selector);
        (actions[12], actions[13]) = (handler.tidy.selector, handler.wait.selector);
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: actions}));
    }

    function _createHandler() internal virtual returns (ReserveHandler) {
        return new ReserveHandler();
    }

    /// @dev One function, because each would replay the same runs.
    function invariant_TheReserveHoldsWhatItOwes() public view {
        handler.checkBooks();
        handler.checkPeriods();
    }

    /// @dev Liveness: after each run everybody gets what is due, and the rest goes back.
    function afterInvariant() public {
        handler.everythingIsPaid();
    }
}

contract OneTokenReserveHandler is ReserveHandler {
    function _createFeeToken(TestToken stakeToken_) internal pure override returns (TestToken) {
        return stakeToken_;
    }
}

/// forge-config: default.invariant.runs = 16
/// forge-config: default.invariant.depth = 64
contract OneTokenReserveInvariants is ReserveInvariants {
    function _createHandler() internal override returns (ReserveHandler) {
        return new OneTokenReserveHandler();
    }
}
